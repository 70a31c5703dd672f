"""Finds where a file catches every exception and goes on."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.support import imports
from tests.support.imports import Source

_BROAD = {"Exception", "BaseException"}
_AT_THE_TOP = "the module"


def functions(source: Source) -> list[str]:
    """Names of the innermost functions that do so, once for each place."""
    return list(_within(source.tree, _AT_THE_TOP))


def _within(node: ast.AST, function: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ExceptHandler) and _is_broad(child.type) and not _raises(child):
            yield function
        if isinstance(child, ast.Call) and imports.dotted(child.func).endswith("suppress") and _any_broad(child.args):
            yield function
        yield from _within(child, _name(child) or function)


def _name(node: ast.AST) -> str:
    return node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else ""


def _is_broad(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    if isinstance(caught, ast.Tuple):
        return _any_broad(caught.elts)
    return imports.dotted(caught).rpartition(".")[2] in _BROAD


def _any_broad(caught: list[ast.expr]) -> bool:
    return any(_is_broad(each) for each in caught)


def _raises(handler: ast.ExceptHandler) -> bool:
    """Whether it always raises: a raise in one branch alone lets the rest pass."""
    return isinstance(handler.body[-1], ast.Raise)
