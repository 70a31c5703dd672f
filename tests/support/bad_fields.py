"""Every field of a request, set to what no field may be: found by the descriptors, so that new ones are among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

LONG = "x" * 100_000
NOT_TEXT = "a character\u0080of two bytes"
"""Stands for text that is not UTF-8, which no message in memory can hold; see BadField.encoded."""
INT32 = (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_SINT32, FieldDescriptor.TYPE_SFIXED32)
_INTEGERS = (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64)
_FLOATS = (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE)
_WELL_KNOWN = "google.protobuf."
DEPTH_MAX = 4


@dataclass(frozen=True)
class BadField:
    """A request with one bad field: `path` without indexes (`records.partition_key`), what is wrong, the request."""

    path: str
    wrong: str
    request: Any

    def __str__(self) -> str:
        return f"{self.path} {self.wrong}"

    def encoded(self) -> bytes:
        """The bytes to send."""
        data: bytes = self.request.SerializeToString()
        return data.replace(NOT_TEXT.encode(), NOT_TEXT.encode("latin-1").replace(b"\x80", b"\xff\xff"))


def of(kind: Any, fill: Callable[[Any], None]) -> Iterator[BadField]:
    """Requests of a class, filled by `fill` to be good, and then with one field bad each."""
    for path, wrong, spoil in _spoilers(kind.DESCRIPTOR, "", 0):
        request = kind()
        fill(request)
        spoil(request)
        yield BadField(path, wrong, request)


Spoil = Callable[[Any], None]


def _spoilers(message: Descriptor, prefix: str, depth: int) -> Iterator[tuple[str, str, Spoil]]:
    for field in message.fields:
        path = f"{prefix}{field.name}"
        yield from ((path, wrong, spoil) for wrong, spoil in _of_field(field))
        inner = field.message_type
        if inner is None or _is_leaf(inner) or depth >= DEPTH_MAX:
            continue
        for below, wrong, spoil in _spoilers(inner, f"{path}.", depth + 1):
            yield below, wrong, _within(field, spoil)


def _is_leaf(message: Descriptor) -> bool:
    return message.full_name.startswith(_WELL_KNOWN) or message.GetOptions().map_entry


def _within(field: FieldDescriptor, spoil: Spoil) -> Spoil:
    def run(request: Any) -> None:
        inner = getattr(request, field.name)
        if not field.is_repeated:
            inner.SetInParent()
            spoil(inner)
        else:
            spoil(inner[0] if inner else inner.add())

    return run


def _of_field(field: FieldDescriptor) -> Iterator[tuple[str, Spoil]]:
    for wrong, value in _values(field):
        yield wrong, _setting(field, value)


def _setting(field: FieldDescriptor, value: Any) -> Spoil:
    def run(request: Any) -> None:
        target: Any = getattr(request, field.name)
        if isinstance(value, Mapping):
            if field.is_repeated:
                target.clear()
                target.update(value)
            else:
                target.SetInParent()
                for name, each in value.items():
                    target.paths.extend(each) if name == "paths" else setattr(target, name, each)
        elif field.is_repeated:
            target.append(value)
        else:
            setattr(request, field.name, value)

    return run


def _values(field: FieldDescriptor) -> Iterator[tuple[str, Any]]:
    if field.message_type is not None:
        yield from _messages(field.message_type)
    elif field.enum_type is not None:
        yield "unknown", 9_999
    elif field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        yield "too long", LONG.encode() if field.type == FieldDescriptor.TYPE_BYTES else LONG
        if field.type == FieldDescriptor.TYPE_STRING:
            yield "not UTF-8", NOT_TEXT
    elif field.cpp_type in _INTEGERS:
        bits = 31 if field.cpp_type == FieldDescriptor.CPPTYPE_INT32 else 63
        yield "negative", -1
        yield "lowest", -(2**bits)
    elif field.cpp_type in _FLOATS:
        yield "not a number", float("nan")
        yield "infinite", float("inf")


def _messages(message: Descriptor) -> Iterator[tuple[str, Any]]:
    if message.GetOptions().map_entry:
        yield "long key", {LONG: "value"}
    elif message.full_name == f"{_WELL_KNOWN}Duration":
        yield "negative", {"seconds": -1}
        yield "over int64", {"seconds": 2**63 - 1, "nanos": 999_999_999}
        yield "mixed", {"seconds": 86_400, "nanos": -1}
    elif message.full_name == f"{_WELL_KNOWN}Timestamp":
        yield "over int64", {"seconds": 2**63 - 1}
        yield "negative nanos", {"seconds": 1, "nanos": -1}
    elif message.full_name == f"{_WELL_KNOWN}FieldMask":
        yield "nonsense", {"paths": ["nonsense"]}
