"""The refusals of the product as its source has them: which reasons are raised, and with which details."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support import imports

SERVICES = ("chassis", "stream_service", "mapping_service")
_DETAILS = {"violations": "BadRequest", "retry_after": "RetryInfo", "resource": "ResourceInfo"}
_BASE = "DomainError"


@dataclass(frozen=True)
class Refusal:
    """One class of refusal: `path` and `name` of the class, what it says, and what its __init__ hands on."""

    path: str
    name: str
    reason: str
    code: str
    details: frozenset[str]
    metadata: frozenset[str]


@functools.cache
def refusals() -> tuple[Refusal, ...]:
    """Every class of refusal in chassis and the services, without the base itself."""
    classes = list(_classes())
    found: dict[tuple[str, str], Refusal] = {}
    known = {_BASE: Refusal("", _BASE, "INTERNAL", "INTERNAL", frozenset(), frozenset())}
    while left := [each for each in classes if (each[0], each[1].name) not in found]:
        before = len(found)
        for path, node in left:
            base = next((known[name] for name in map(_last_name, node.bases) if name in known), None)
            if base is not None:
                found[path, node.name] = known[node.name] = _refusal(path, node, base)
        if len(found) == before:
            break
    return tuple(found.values())


@functools.cache
def used_names() -> frozenset[str]:
    """Names that stand somewhere in the services other than in an import, a base class or an except clause."""
    names: set[str] = set()
    for source in imports.sources(*SERVICES):
        tree = source.tree
        aside = {id(each) for node in ast.walk(tree) for each in _aside(node)}
        names |= {
            _last_name(node)
            for node in ast.walk(tree)
            if isinstance(node, ast.Name | ast.Attribute) and id(node) not in aside
        }
    return frozenset(names)


def _aside(node: ast.AST) -> Iterator[ast.AST]:
    """What names a refusal without raising it."""
    if isinstance(node, ast.ClassDef):
        yield from node.bases
    elif isinstance(node, ast.ExceptHandler) and node.type is not None:
        yield from ast.walk(node.type)
    elif isinstance(node, ast.Call) and _last_name(node.func) in {"isinstance", "suppress"}:
        for argument in node.args:
            yield from ast.walk(argument)


def _classes() -> Iterator[tuple[str, ast.ClassDef]]:
    for source in imports.sources(*SERVICES):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef) and node.name != _BASE:
                yield source.path, node


def _refusal(path: str, node: ast.ClassDef, base: Refusal) -> Refusal:
    said = {"reason": base.reason, "code": base.code} | dict(_constants(node))
    details, metadata = set(base.details), set(base.metadata)
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and _last_name(call.func) == "__init__":
            details |= {_DETAILS[each.arg] for each in call.keywords if each.arg in _DETAILS}
    metadata |= {key for each in ast.walk(node) if isinstance(each, ast.Dict) for key in _keys(each)}
    return Refusal(path, node.name, said["reason"], said["code"], frozenset(details), frozenset(metadata))


def _constants(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for line in node.body:
        targets = (
            line.targets if isinstance(line, ast.Assign) else [line.target] if isinstance(line, ast.AnnAssign) else []
        )
        value = getattr(line, "value", None)
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield from ((target.id, value.value) for target in targets if isinstance(target, ast.Name))


def _keys(node: ast.Dict) -> Iterator[str]:
    return (key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def _last_name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
