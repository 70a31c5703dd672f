"""Finds the text field of an encoded message that is not UTF-8, which the decoder does not name.

It walks the wire format by the message's descriptor: a tag tells the field's number and how long its value is.
"""

from __future__ import annotations

from typing import Any

DEPTH_MAX = 20
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class _Ends(Exception):
    """The bytes are no message at all."""


def field_that_is_not_text(descriptor: Any, data: bytes) -> str | None:
    """The path of the first text that is not UTF-8, such as `records[2].partition_key`; None if there is none.

    None also where the bytes are damaged in another way before it.
    """
    try:
        return _find(descriptor, memoryview(data), 0)
    except _Ends:
        return None


def _find(descriptor: Any, data: memoryview, depth: int) -> str | None:
    place, counts = 0, dict[int, int]()
    while place < len(data) and depth < DEPTH_MAX:
        tag, place = _varint(data, place)
        number, kind = tag >> 3, tag & 7
        value, place = _value(data, place, kind)
        field = descriptor.fields_by_number.get(number)
        if field is None or kind != _BYTES:
            continue
        index = counts.get(number, 0)
        counts[number] = index + 1
        found = _look(field, value, index, depth)
        if found is not None:
            return found
    return None


def _look(field: Any, value: memoryview, index: int, depth: int) -> str | None:
    """The path within one value of a field."""
    if field.type == field.TYPE_STRING:
        return None if _is_text(value) else _name(field, index)
    if field.type != field.TYPE_MESSAGE:
        return None
    below = _find(field.message_type, value, depth + 1)
    if below is None or field.message_type.GetOptions().map_entry:
        return None if below is None else str(field.name)
    return f"{_name(field, index)}.{below}"


def _name(field: Any, index: int) -> str:
    return f"{field.name}[{index}]" if field.is_repeated else str(field.name)


def _is_text(value: memoryview) -> bool:
    try:
        bytes(value).decode()
    except UnicodeDecodeError:
        return False
    return True


def _value(data: memoryview, place: int, kind: int) -> tuple[memoryview, int]:
    """The bytes of a value, and where the next tag is."""
    if kind == _VARINT:
        return data[:0], _varint(data, place)[1]
    if kind == _BYTES:
        size, place = _varint(data, place)
    elif kind in (_FIXED64, _FIXED32):
        size = 8 if kind == _FIXED64 else 4
    else:
        raise _Ends
    if place + size > len(data):
        raise _Ends
    return data[place : place + size], place + size


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(data) and shift < 70:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, place
        shift += 7
    raise _Ends
