"""Random messages built from their descriptors: mostly with values that a service knows, so that they reach deep."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

INTEGERS = [0, 0, 1, 1, 2, 3, 5, 16, 100, 1_000, 10_000, 10_001, -1, 86_400, 1 << 20, 2**31 - 1, -(2**31)]
LARGE = [2**63 - 1, -(2**63), 1 << 40, 253_402_300_799, 253_402_300_800]
TEXTS = ["", "0", "-1", "é\U0001f4a7", "a" * 300, "..", "shardId-", "\x00", str(2**128), str(2**127)]
DEPTH_MAX = 4
_WHOLE = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


class RandomMessages:
    """Makes messages by chance. `known` has values by the name of their field, which may grow meanwhile."""

    def __init__(self, chance: random.Random, known: dict[str, list[Any]]) -> None:
        self._chance = chance
        self._known = known

    def encoded(self, descriptor: Any) -> bytes:
        """A message of a kind, sometimes cut, changed or random altogether."""
        chance = self._chance
        if chance.random() < 0.05:
            return chance.randbytes(chance.randint(0, 200))
        made = bytearray(self.message(descriptor).SerializeToString())
        if made and chance.random() < 0.1:
            for _ in range(chance.randint(1, 4)):
                made[chance.randrange(len(made))] = chance.randrange(256)
        if chance.random() < 0.03:
            del made[chance.randint(0, len(made)) :]
        return bytes(made)

    def message(self, descriptor: Any, depth: int = 0) -> Any:
        """A message of a kind."""
        made = GetMessageClass(descriptor)()
        others = self._chance.choice([0.0, 0.0, 0.3])
        fields: Sequence[Any] = descriptor.fields
        for field in fields:
            is_wanted = self._chance.random() < (0.85 if field.name in self._known else others)
            if is_wanted and depth <= DEPTH_MAX:
                self._set(made, field, depth)
        return made

    def _set(self, made: Any, field: Any, depth: int) -> None:
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        if is_map:
            for _ in range(self._chance.randint(0, 3)):
                getattr(made, field.name)[self._text()] = self._text()
        elif field.is_repeated:
            for _ in range(self._chance.choice([0, 1, 1, 2, 5])):
                self._add(getattr(made, field.name), field, depth)
        elif field.message_type is not None:
            getattr(made, field.name).CopyFrom(self.message(field.message_type, depth + 1))
        else:
            setattr(made, field.name, self._scalar(field))

    def _add(self, values: Any, field: Any, depth: int) -> None:
        if field.message_type is not None:
            values.append(self.message(field.message_type, depth + 1))
        else:
            values.append(self._scalar(field))

    def _scalar(self, field: Any) -> Any:
        chance, known = self._chance, self._known.get(field.name)
        if known and chance.random() < 0.85:
            return chance.choice(known)
        kind = field.cpp_type
        if kind == FieldDescriptor.CPPTYPE_ENUM:
            return chance.choice([*field.enum_type.values_by_number, 99])
        if kind == FieldDescriptor.CPPTYPE_BOOL:
            return chance.random() < 0.5
        if kind in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
            return chance.choice([0.0, -1.0, 1e300, float("nan"), float("inf")])
        if kind == FieldDescriptor.CPPTYPE_STRING:
            is_bytes = field.type == FieldDescriptor.TYPE_BYTES
            return chance.randbytes(chance.choice([0, 1, 15, 16, 17, 300])) if is_bytes else self._text()
        low, high = _WHOLE[kind]
        return min(high, max(low, chance.choice([*INTEGERS, *LARGE])))

    def _text(self) -> str:
        return self._chance.choice(TEXTS)
