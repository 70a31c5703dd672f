"""Reads source files with ast: what they import, how long they and their functions are."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "chassis": "chassis",
    "stream_service": "stream_service",
    "mapping_service": "mapping_service",
    "sdk/millrace_sdk": "millrace_sdk",
    "cli/millrace_cli": "millrace_cli",
}


@dataclass(frozen=True)
class Source:
    """A file: its path from the root, and its text."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text)


def sources(*folders: str) -> Iterator[Source]:
    """Every Python file of ours below the folders that git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *folders], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for path in listed.stdout.splitlines():
        if path.endswith(".py") and (ROOT / path).exists():
            yield Source(path, (ROOT / path).read_text())


def imported(source: Source) -> set[str]:
    """Dotted names of all modules and names that a file imports, wherever the import stands."""
    found: set[str] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def imports_any(source: Source, *prefixes: str) -> set[str]:
    """What a file imports of these packages or modules."""
    return {name for name in imported(source) if any(name == each or name.startswith(f"{each}.") for each in prefixes)}


def functions(source: Source) -> Iterator[tuple[str, int]]:
    """Name and length in lines of every function."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def broad_excepts(source: Source) -> list[str]:
    """Names of the functions that catch Exception, BaseException or everything without raising again."""
    found = []
    for function in ast.walk(source.tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        handlers = [node for node in ast.walk(function) if isinstance(node, ast.ExceptHandler)]
        found += [function.name for handler in handlers if _is_broad(handler) and not _raises(handler)]
    return found


def _is_broad(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or (
        isinstance(handler.type, ast.Name) and handler.type.id in ("Exception", "BaseException")
    )


def _raises(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) for node in ast.walk(handler))
