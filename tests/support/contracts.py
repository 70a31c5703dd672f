"""The contracts as buf compiles them, with their comments."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2

ROOT = Path(__file__).parents[2]
PROTOS = ROOT / "protos"


def buf(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the buf that came with the development packages."""
    found = shutil.which("buf", path=str(Path(sys.executable).parent)) or "buf"
    return subprocess.run([found, *arguments], cwd=PROTOS, capture_output=True, text=True, timeout=60, check=False)


@functools.cache
def compiled() -> descriptor_pb2.FileDescriptorSet:
    """Every file of the contracts and what they import, with source info."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "contracts.binpb"
        done = buf("build", ".", "-o", str(out))
        assert done.returncode == 0, done.stderr
        return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())


def files() -> list[descriptor_pb2.FileDescriptorProto]:
    """Our own files."""
    return [file for file in compiled().file if file.package.startswith("millrace.")]


@dataclass(frozen=True)
class Element:
    """An element of a contract with the comment that stands on it."""

    kind: str
    name: str
    descriptor: Any
    comment: str


def elements() -> Iterator[Element]:
    """Every service, RPC, message, field, enum and value of our files."""
    for file in files():
        comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
        for index, service in enumerate(file.service):
            yield Element("service", f"{file.package}.{service.name}", service, comments.get((6, index), ""))
            for number, method in enumerate(service.method):
                yield Element("rpc", f"{service.name}.{method.name}", method, comments.get((6, index, 2, number), ""))
        for index, message in enumerate(file.message_type):
            yield from _message(file.package, message, (4, index), comments)
        for index, enum in enumerate(file.enum_type):
            yield from _enum(file.package, enum, (5, index), comments)


def _message(scope: str, message: Any, path: tuple[int, ...], comments: dict[Any, str]) -> Iterator[Element]:
    if message.options.map_entry:
        return
    name = f"{scope}.{message.name}"
    yield Element("message", name, message, comments.get(path, ""))
    for index, field in enumerate(message.field):
        yield Element("field", f"{name}.{field.name}", field, comments.get((*path, 2, index), ""))
    for index, nested in enumerate(message.nested_type):
        yield from _message(name, nested, (*path, 3, index), comments)
    for index, enum in enumerate(message.enum_type):
        yield from _enum(name, enum, (*path, 4, index), comments)


def _enum(scope: str, enum: Any, path: tuple[int, ...], comments: dict[Any, str]) -> Iterator[Element]:
    name = f"{scope}.{enum.name}"
    yield Element("enum", name, enum, comments.get(path, ""))
    for index, value in enumerate(enum.value):
        yield Element("value", f"{name}.{value.name}", value, comments.get((*path, 2, index), ""))
