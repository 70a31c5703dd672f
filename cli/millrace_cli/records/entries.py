"""From what was read to records that can be put, or a reason why not."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from millrace_cli.records import json_field, view
from millrace_cli.records.json_field import MISSING

KEY_CHARACTERS_MAX = 256
ATTRIBUTES_MAX = 50
ATTRIBUTE_NAME_MAX = 128
ATTRIBUTE_VALUE_MAX = 4_096
CUT_BYTES = 1_024
"""What is kept of an input that is too large: enough to know it again."""

INVALID = "INVALID_ARGUMENT"
TOO_LARGE = "RECORD_TOO_LARGE"


class Entry(NamedTuple):
    """A record to put. `number` is its place in the input, from 1."""

    number: int
    data: bytes
    key: str
    hash_key: str
    attributes: Mapping[str, str]

    @property
    def size_bytes(self) -> int:
        """Bytes of key, data and attributes, as the service counts them."""
        size = len(self.data) + len(self.key.encode())
        if self.attributes:
            size += sum(len(name.encode()) + len(value.encode()) for name, value in self.attributes.items())
        return size


class Unfit(NamedTuple):
    """What cannot be put, with the reason of the catalogue and words. `data` is the input, cut when it is too large."""

    number: int
    data: bytes
    reason: str
    message: str
    is_cut: bool = False


Read: TypeAlias = "Entry | Unfit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How records are made: where the key comes from, and what they all have.

    A fixed `key` comes first, then the one at `key_path` in the JSON data, then (of `record`) the one that the record
    had, then a random one.
    """

    key: str = ""
    key_path: tuple[str, ...] = ()
    hash_key: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    is_json: bool = False
    bytes_max: int


def of_data(shape: Shape, number: int, data: bytes) -> Read:
    """A record of these bytes."""
    key = shape.key
    if shape.is_json or shape.key_path:
        value = json_field.parse(data)
        if value is MISSING:
            return Unfit(number, data, INVALID, f"data: is not JSON: {_shown(data)}")
        if shape.key_path and not key:
            key = _key_of(json_field.find(value, shape.key_path))
            if not key:
                path = ".".join(shape.key_path)
                return Unfit(number, data, INVALID, f"partition_key: the data has no text or number at {path}")
    return _checked(shape, Entry(number, data, key or uuid.uuid4().hex, shape.hash_key, shape.attributes))


def of_record(shape: Shape, number: int, line: bytes) -> Read:
    """A record as `get --output jsonl` writes it, or --failed-to; members that say where it was are ignored."""
    try:
        row = json.loads(line)
        data = _data_of(row)
        if "data" not in row and "data_base64" not in row:
            return Unfit(number, line, INVALID, f"has neither data nor data_base64: {_shown(line)}")
        own_key, own_hash_key = _text(row, "partition_key"), _text(row, "explicit_hash_key")
        attributes = {**_attributes_of(row), **shape.attributes}
    except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        return Unfit(number, line, INVALID, f"is not a record in JSON ({error}): {_shown(line)}")
    made = of_data(shape, number, data)
    if isinstance(made, Unfit):
        return made
    key = own_key if own_key and not (shape.key or shape.key_path) else made.key
    return _checked(shape, Entry(number, data, key, shape.hash_key or own_hash_key, attributes))


def as_failed(entry: Entry | Unfit, *, reason: str, message: str, may_be_stored: bool) -> dict[str, Any]:
    """The line of --failed-to, which `put --as records` takes."""
    row: dict[str, Any] = {
        "record": entry.number,
        "reason": reason,
        "message": message,
        "may_be_stored": may_be_stored,
    }
    data = view.data_as_json(entry.data)
    if isinstance(entry, Entry):
        row |= {"partition_key": entry.key, "explicit_hash_key": entry.hash_key, "attributes": dict(entry.attributes)}
        return row | data
    # Under another name than a record's data: put again, it would store what was never meant to be a record.
    row |= {name.replace("data", "input"): text for name, text in data.items()}
    return row | ({"input_is_cut": True} if entry.is_cut else {})


def of_cut(number: int, beginning: bytes, size_bytes: int, bytes_max: int) -> Unfit:
    """A line or file that is too long to be read as a whole."""
    text = f"has {size_bytes:,} bytes; the stream takes {bytes_max:,} of key, data and attributes"
    return Unfit(number, beginning[:CUT_BYTES], TOO_LARGE, text, is_cut=True)


def problem_of(key: str, hash_key: str, attributes: Mapping[str, str]) -> str:
    """Why the service would refuse every request that has this; empty when it would not."""
    if len(key) > KEY_CHARACTERS_MAX:
        return f"partition_key: has {len(key)} characters; must have 1 to {KEY_CHARACTERS_MAX}"
    if hash_key and not _is_hash_key(hash_key):
        return f"explicit_hash_key: {hash_key[:50]!r} must be a whole number from 0 to 2^128 - 1 without leading zeros"
    if len(attributes) > ATTRIBUTES_MAX:
        return f"attributes: has {len(attributes)}; at most {ATTRIBUTES_MAX} are allowed"
    for name, value in attributes.items():
        if not 0 < len(name) <= ATTRIBUTE_NAME_MAX or len(value) > ATTRIBUTE_VALUE_MAX:
            return (
                f"attributes: {name[:60]!r} has a name of {len(name)} and a value of {len(value)} characters; they may "
                f"have 1 to {ATTRIBUTE_NAME_MAX} and at most {ATTRIBUTE_VALUE_MAX}"
            )
    return ""


def _is_hash_key(text: str) -> bool:
    is_plain = text.isascii() and text.isdecimal() and len(text) <= 39 and (text == "0" or text[0] != "0")
    return is_plain and int(text) < 2**128


def _checked(shape: Shape, entry: Entry) -> Read:
    """What the service would refuse the whole request for is kept back here, alone."""
    problem = problem_of(entry.key, entry.hash_key, entry.attributes)
    if problem:
        return Unfit(entry.number, entry.data, INVALID, problem)
    if entry.size_bytes > shape.bytes_max:
        text = f"has {entry.size_bytes:,} bytes of key, data and attributes; the stream takes {shape.bytes_max:,}"
        return Unfit(entry.number, entry.data, TOO_LARGE, text)
    return entry


def _key_of(value: Any) -> str:
    return "" if value is MISSING or value is None or isinstance(value, dict | list) else json_field.as_text(value)


def _data_of(row: Any) -> bytes:
    if "data_base64" in row:
        return base64.b64decode(row["data_base64"], validate=True)
    return _text(row, "data").encode()


def _text(row: Any, name: str) -> str:
    value = row.get(name) or ""
    if not isinstance(value, str):
        raise TypeError(f"{name} is not a text")
    value.encode()
    return value


def _attributes_of(row: Any) -> dict[str, str]:
    found = row.get("attributes") or {}
    return {name: _text(found, name) for name in found}


def _shown(data: bytes) -> str:
    text = data[:60].decode(errors="backslashreplace")
    return f"{text!r}{'...' if len(data) > 60 else ''}"
