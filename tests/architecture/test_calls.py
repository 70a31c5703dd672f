"""Every call that the product makes has a deadline, and every connection the same limits on both of its sides."""

from __future__ import annotations

import json
import re

import pytest
from millrace_sdk import limits as sdk_limits

from chassis.process import limits
from tests.support import contracts, imports, outgoing
from tests.support.imports import Source

PRODUCT = ("chassis", "stream_service", "mapping_service", "sdk", "cli")
LIMITS = {"chassis/process/limits.py", "sdk/millrace_sdk/limits.py"}


def test_every_outgoing_call_has_a_deadline() -> None:
    found = {source.path: calls for source in imports.sources(*PRODUCT) if (calls := list(outgoing.calls(source)))}

    assert sum(map(len, found.values())) > 15
    assert {"mapping_service/pollers/handler_client.py", "sdk/millrace_sdk/stream_client.py"} <= found.keys()
    assert {each.path: bad for each in imports.sources(*PRODUCT) if (bad := outgoing.without_deadline(each))} == {}


@pytest.mark.parametrize(
    "text",
    [
        "await stub.PutRecord(request)",
        "await stub.PutRecord(request, timeout=None)",
        "self._put = channel.unary_unary(path)\nawait self._put(request)",
        "self._put: Any = channel.unary_unary(path)\nawait self._put(request)",
        "call = channel.stream_stream(path)()",
        "class A:\n  def _m(self):\n    return c.unary_unary(p)\n  def f(self):\n    x = self._m()\n    x(r)",
        "class A:\n  def _m(self):\n    return c.unary_unary(p)\n  def f(self):\n    self._m()(r)",
    ],
)
def test_a_call_without_a_deadline_is_caught(text: str) -> None:
    assert outgoing.without_deadline(Source("chassis/x.py", text))


@pytest.mark.parametrize("text", ["await stub.PutRecord(request, timeout=3)", "self.put(record)", "f()(x)"])
def test_a_call_with_a_deadline_or_of_something_else_is_let_pass(text: str) -> None:
    assert not outgoing.without_deadline(Source("chassis/x.py", text))


def test_the_size_of_messages_is_said_in_one_place_for_the_services_and_one_for_users() -> None:
    said = {each.path for each in imports.sources(*PRODUCT) if re.search(r"grpc\.max_\w+_message_length", each.text)}

    assert said == LIMITS
    assert limits.MESSAGE_BYTES_MAX == sdk_limits.MESSAGE_BYTES_MAX


def test_both_sides_of_every_connection_have_the_same_sizes() -> None:
    sides = [
        limits.server_options(),
        limits.client_options(),
        sdk_limits.server_options(),
        sdk_limits.client_options(),
    ]

    sizes = [{name: value for name, value in options if "message_length" in name} for options in sides]
    assert sizes == [
        {
            "grpc.max_receive_message_length": limits.MESSAGE_BYTES_MAX,
            "grpc.max_send_message_length": limits.MESSAGE_BYTES_MAX,
        }
    ] * len(sides)


def test_no_client_of_ours_asks_more_often_than_a_server_of_ours_allows() -> None:
    allowed = max(
        dict(options)["grpc.http2.min_ping_interval_without_data_ms"]
        for options in (limits.server_options(), sdk_limits.server_options())
    )
    asked = min(
        dict(options)["grpc.keepalive_time_ms"] for options in (limits.client_options(), sdk_limits.client_options())
    )

    assert int(allowed) * 2 <= int(asked)


def test_only_calls_that_look_are_repeated_by_a_channel() -> None:
    written = (imports.ROOT / "protos" / "service_config.json").read_text()
    config = json.loads(written)
    named = [name for each in config["methodConfig"] for name in each["name"]]
    known = {
        (f"{file.package}.{service.name}", method.name)
        for file in contracts.files()
        for service in file.service
        for method in service.method
    }

    assert limits.service_config() == sdk_limits.service_config() == written
    assert {(each["service"], each["method"]) for each in named} <= known
    assert all(re.match("Get|List|Describe", each["method"]) for each in named)
    assert not [each for each in named if each["method"] == "GetRecords"], "whoever reads on reads again by himself"
    assert "timeout" not in written, "gRPC for Python does not keep to it: deadlines are said with each call"
