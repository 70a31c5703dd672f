"""Filters, formats and JSON of records."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from millrace.stream.v1 import record_pb2
from millrace_cli import output
from millrace_cli.failure import UsageFailed
from millrace_cli.records import entries, filters, formats, view
from millrace_cli.records.view import View

DATA = {"total": 12, "customer": {"name": "Åsa", "tags": ["new", "vip"]}, "key": "inner", "gone": None, "ok": True}


def record(data: Any = DATA, **fields: Any) -> View:
    encoded = data if isinstance(data, bytes) else json.dumps(data).encode()
    return View(
        record_pb2.Record(
            sequence_number="0" * 19 + "7" + "0000000003",
            approximate_arrival_unix_millis=1_700_000_000_123,
            partition_key=fields.pop("key", "customer-7"),
            data=encoded,
            attributes=fields.pop("attributes", {"source": "web"}),
        )
    )


@pytest.mark.parametrize(
    ("expression", "passes"),
    [
        ("key=customer-7", True),
        ("key=customer-*", True),
        ("key=customer", False),
        ("key!=customer-?", False),
        ("attr.source=web", True),
        ("attr.none=", False),
        ("attr.none!=web", True),
        ("shard=shardId-000000000003", True),
        ("time=2023-11-14T22:13:20.123Z", True),
        ("total=12", True),
        ("total=1[23]", True),
        ("total=12.0", False),
        ("customer.name=Å*", True),
        ("customer.tags.1=vip", True),
        ("customer.tags.2=*", False),
        ("customer.tags=*vip*", True),
        (".key=inner", True),
        ("gone=null", True),
        ("ok=true", True),
        ("nothing.there=*", False),
        ("nothing.there!=x", True),
        ("customer.name=a=b", False),
        ("total>5", True),
        ("total>12", False),
        ("total>=12", True),
        ("total<100", True),
        ("total<=11.5", False),
        ("key>=customer-5", True),
        ("time<2023-11-15", True),
        ("nothing.there<5", False),
        ("nothing.there>=0", False),
    ],
)
def test_a_filter_compares_a_field_with_a_pattern(expression: str, passes: bool) -> None:
    assert filters.passes([filters.parse(expression)], record()) is passes


def test_all_filters_must_let_a_record_pass() -> None:
    both = [filters.parse("total=12"), filters.parse("key=nobody")]

    assert not filters.passes(both, record())
    assert filters.passes([], record())


@pytest.mark.parametrize("expression", ["", "key", "=x", "!=x", ">5"])
def test_what_is_no_filter_is_refused(expression: str) -> None:
    with pytest.raises(UsageFailed, match="--filter"):
        filters.parse(expression)


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"no json", b"[" * 100_000, b"5"])
def test_a_field_of_what_is_no_object_is_missing(data: bytes) -> None:
    assert not filters.passes([filters.parse("total=*")], record(data))


@pytest.mark.parametrize(
    ("template", "written"),
    [
        ("{key} {total}", b"customer-7 12"),
        ("{customer.name}\\t{customer.tags}", 'Åsa\t["new","vip"]'.encode()),
        ("{time} {shard}", b"2023-11-14T22:13:20.123Z shardId-000000000003"),
        ("{sequence_number}", b"0" * 19 + b"7" + b"0000000003"),
        ("{attr.source}|{attr.none}|{nothing}", b"web||"),
        ("{{{.key}}}", b"{inner}"),
        ("a\\n\\\\b\\x", b"a\n\\b\\x"),
        ("Å", "Å".encode()),
        ("", b""),
    ],
)
def test_a_format_fills_in_fields(template: str, written: bytes) -> None:
    assert formats.parse(template).render(record()) == written


def test_a_format_writes_data_as_it_is() -> None:
    data = bytes(range(256))

    assert formats.parse("{data}").render(record(data)) == data
    assert formats.parse("{data_base64}").render(record(data)) == base64.b64encode(data)


@pytest.mark.parametrize("template", ["{", "}", "{a", "a}", "{}"])
def test_a_brace_alone_is_refused(template: str) -> None:
    with pytest.raises(UsageFailed, match="--format"):
        formats.parse(template)


@pytest.mark.parametrize("data", [b"", b"text", "Å\0\n".encode(), b"\xff\x00", bytes(range(256))])
def test_a_record_in_json_can_be_put_again_and_loses_nothing(data: bytes) -> None:
    line = json.dumps(view.as_json(record(data))).encode()

    read = entries.of_record(entries.Shape(bytes_max=1 << 20), 1, line)

    assert read == entries.Entry(1, data, "customer-7", "", {"source": "web"})


def test_a_record_in_json_has_text_or_base64() -> None:
    assert view.as_json(record(b"text"))["data"] == "text"
    assert view.as_json(record(b"\xff"))["data_base64"] == "/w=="
    assert "data" not in view.as_json(record(b"\xff"))


def test_what_could_steer_a_terminal_is_shown_instead() -> None:
    assert output.plain("a\x1b[31m\n\u202eb\x9bÅ") == "a\\x1b[31m\\n\\u202eb\\x9bÅ"
    assert output.plain("a\nb\x07", keep_lines=True) == "a\nb\\x07"
