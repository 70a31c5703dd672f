"""The contracts: documented to the last value, shaped alike, and the generated code is theirs."""

from __future__ import annotations

import importlib
import re
import tomllib
from typing import Any

import pytest
from google.protobuf import descriptor_pb2

from tests.support import contracts

ELEMENTS = list(contracts.elements())
FIELDS = [each for each in ELEMENTS if each.kind == "field"]
RPCS = [each for each in ELEMENTS if each.kind == "rpc"]
MESSAGES = {each.name: each for each in ELEMENTS if each.kind == "message"}
STANDING = re.compile(r"\s*(Required|Optional|Output only)\b")


def _fields_of(name: str) -> dict[str, Any]:
    return {field.name: field for field in MESSAGES[name].descriptor.field}


def test_there_is_something_to_check() -> None:
    assert len(FIELDS) > 200
    assert len(RPCS) > 40


@pytest.mark.parametrize("file", contracts.files(), ids=lambda file: file.name)
def test_generated_code_is_current(file: descriptor_pb2.FileDescriptorProto) -> None:
    module = importlib.import_module(file.name.removesuffix(".proto").replace("/", ".") + "_pb2")
    imported = descriptor_pb2.FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
    wanted = descriptor_pb2.FileDescriptorProto.FromString(file.SerializeToString())
    wanted.ClearField("source_code_info")
    for each in (imported, wanted):
        each.DiscardUnknownFields()  # type: ignore[attr-defined]  # a method of every message
        _without_json_names(each)

    assert imported == wanted, f"{file.name} has changed: run make protos"


def _without_json_names(file: descriptor_pb2.FileDescriptorProto) -> None:
    messages = list(file.message_type)
    while messages:
        message = messages.pop()
        messages += message.nested_type
        for field in message.field:
            field.ClearField("json_name")


def test_every_element_has_a_comment() -> None:
    assert [each.name for each in ELEMENTS if not each.comment.strip()] == []


def test_every_field_says_its_standing_and_what_happens_when_it_is_unset() -> None:
    in_oneof = {each.name for each in FIELDS if each.descriptor.HasField("oneof_index")}
    plain = [each for each in FIELDS if each.name not in in_oneof or each.descriptor.proto3_optional]

    assert [each.name for each in plain if not STANDING.match(each.comment)] == []
    optional = [each for each in plain if each.comment.strip().startswith("Optional")]
    assert [each.name for each in optional if not re.search("[Uu]nset|[Ee]mpty|when set", each.comment)] == []


def test_every_rpc_names_its_errors() -> None:
    assert [each.name for each in RPCS if "Errors" not in each.comment] == []


def test_every_rpc_has_messages_of_its_own() -> None:
    for rpc in RPCS:
        verb = rpc.name.split(".")[1]
        assert rpc.descriptor.input_type.endswith(f".{verb}Request")
        assert rpc.descriptor.output_type.endswith(f".{verb}Response")


def test_every_list_pages() -> None:
    lists = [rpc for rpc in RPCS if rpc.name.split(".")[1].startswith("List")]
    assert len(lists) >= 8
    for rpc in lists:
        request = _fields_of(rpc.descriptor.input_type.lstrip("."))
        response = _fields_of(rpc.descriptor.output_type.lstrip("."))
        assert {"page_size", "page_token"} <= request.keys(), rpc.name
        assert "next_page_token" in response, rpc.name


def test_every_update_of_a_resource_takes_it_and_a_mask() -> None:
    updates = [rpc for rpc in RPCS if rpc.name.split(".")[1].startswith("Update")]
    masked = [rpc for rpc in updates if rpc.name != "StreamService.UpdateShardCount"]
    assert len(masked) >= 4
    for rpc in masked:
        fields = _fields_of(rpc.descriptor.input_type.lstrip("."))
        assert fields["update_mask"].type_name == ".google.protobuf.FieldMask", rpc.name


def test_every_enum_begins_with_an_unspecified_value() -> None:
    enums = [each for each in ELEMENTS if each.kind == "enum"]
    assert len(enums) >= 8
    for each in enums:
        zero = each.descriptor.value[0]
        assert (zero.number, zero.name.endswith("_UNSPECIFIED")) == (0, True), each.name


def test_times_end_in_time_and_durations_carry_no_unit() -> None:
    for field in FIELDS:
        name, kind = field.descriptor.name, field.descriptor.type_name
        if kind == ".google.protobuf.Timestamp":
            assert name == "time" or name.endswith("_time"), field.name
        if kind == ".google.protobuf.Duration":
            assert not name.endswith(("_seconds", "_millis")), field.name


def test_every_file_has_its_options_for_other_languages() -> None:
    for file in contracts.files():
        assert file.package.endswith(".v1")
        assert file.options.go_package.startswith("millrace.dev/")
        assert file.options.java_multiple_files
        assert file.options.java_package.startswith("dev.millrace.")


def test_buf_finds_nothing_to_say() -> None:
    linted = contracts.buf("lint", ".")
    formatted = contracts.buf("format", "--diff", "--exit-code", ".")

    assert (linted.returncode, linted.stdout) == (0, "")
    assert (formatted.returncode, formatted.stdout) == (0, "")


def test_nothing_released_is_broken() -> None:
    released = contracts.PROTOS / "released"
    if not released.exists():
        version = tomllib.loads((contracts.ROOT / "pyproject.toml").read_text())["project"]["version"]
        assert version.startswith("0.1.0.dev"), "a release keeps a copy of its contracts in protos/released"
        return

    broken = contracts.buf("breaking", ".", "--against", "released")

    assert (broken.returncode, broken.stdout) == (0, "")
