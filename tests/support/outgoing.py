"""Finds the calls that a file makes over gRPC, by reading it: what is called, and whether it has a deadline."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator

from tests.support import imports
from tests.support.imports import Source

_KINDS = {"unary_unary", "unary_stream", "stream_unary", "stream_stream"}
_RPC = re.compile(r"^  rpc (\w+)\(", re.MULTILINE)
_OPTIONS = {"timeout", "metadata", "credentials", "wait_for_ready", "compression"}
_HEALTH = {"Check", "Watch"}


@functools.cache
def _rpc_names() -> frozenset[str]:
    protos = (imports.ROOT / "protos").rglob("*.proto")
    return frozenset(_HEALTH.union(*(_RPC.findall(each.read_text()) for each in protos)))


def without_deadline(source: Source) -> list[str]:
    """Calls of RPCs that say no `timeout=`, as they stand in the file."""
    return [ast.unparse(call) for call in calls(source) if not _has_timeout(call)]


def calls(source: Source) -> Iterator[ast.Call]:
    """Calls of a stub's method, of what a channel made of a method's path, and of what was kept of that."""
    makers = _makers(source.tree)
    kept = _kept(source.tree, makers)
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        name = _last_name(called)
        is_made_here = isinstance(called, ast.Call) and _last_name(called.func) in makers
        is_rpc = isinstance(called, ast.Attribute) and name in _rpc_names() and _is_like_a_call(node)
        if is_made_here or is_rpc or name in kept:
            yield node


def _makers(tree: ast.Module) -> set[str]:
    """Channels' methods that make a callable, and the file's own functions that call one of them."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name != "__init__"]
    return _KINDS | {each.name for each in functions if any(_makes(node, _KINDS) for node in ast.walk(each))}


def _kept(tree: ast.Module, makers: set[str]) -> set[str]:
    """Names and attributes under which the file keeps such a callable."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _makes(node.value, makers):
            names |= {_last_name(target) for target in node.targets}
        elif isinstance(node, ast.AnnAssign) and node.value is not None and _makes(node.value, makers):
            names.add(_last_name(node.target))
    return names


def _makes(node: ast.AST, makers: set[str]) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in makers


def _is_like_a_call(node: ast.Call) -> bool:
    """Whether it says nothing that no RPC can be told: a class of ours may have an RPC's name."""
    return {each.arg for each in node.keywords if each.arg} <= _OPTIONS


def _last_name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _has_timeout(call: ast.Call) -> bool:
    values = [each.value for each in call.keywords if each.arg == "timeout"]
    return any(not (isinstance(value, ast.Constant) and value.value is None) for value in values)
