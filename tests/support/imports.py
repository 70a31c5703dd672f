"""Reads source files with ast: what they import, what they call, how long they and their functions are."""

from __future__ import annotations

import ast
import functools
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "chassis": "chassis",
    "stream_service": "stream_service",
    "mapping_service": "mapping_service",
    "sdk/millrace_sdk": "millrace_sdk",
    "cli/millrace_cli": "millrace_cli",
}
_IMPORT_ROOTS = ("gen/", "sdk/", "cli/")
_IMPORTERS = {"importlib.import_module", "import_module", "__import__"}


@dataclass(frozen=True)
class Source:
    """A file: its path from the root, and its text."""

    path: str
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text)

    @property
    def package(self) -> list[str]:
        """The names of the packages it lies in, outermost first."""
        path = self.path
        for root in _IMPORT_ROOTS:
            path = path.removeprefix(root)
        return list(PurePosixPath(path).parent.parts)


@functools.cache
def _read(folders: tuple[str, ...]) -> tuple[Source, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *folders], cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = [path for path in listed.stdout.splitlines() if path.endswith(".py") and (ROOT / path).exists()]
    return tuple(Source(path, (ROOT / path).read_text()) for path in paths)


def sources(*folders: str) -> tuple[Source, ...]:
    """Every Python file of ours below the folders that git knows or would add."""
    return _read(folders)


def imported(source: Source) -> set[str]:
    """Dotted names of all modules and names that a file imports: anywhere, also relatively, also by a call."""
    found: set[str] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{_module(source, node)}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and dotted(node.func) in _IMPORTERS:
            found |= {str(each.value) for each in node.args[:1] if isinstance(each, ast.Constant)}
    return found


def _module(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = source.package[: len(source.package) - node.level + 1]
    return ".".join([*package, *([node.module] if node.module else [])])


def imports_any(source: Source, *prefixes: str) -> set[str]:
    """What a file imports of these packages or modules."""
    return {name for name in imported(source) if is_below(name, *prefixes)}


def is_below(name: str, *prefixes: str) -> bool:
    """Whether a dotted name is one of the others, or in one of them."""
    return any(name == each or name.startswith(f"{each}.") for each in prefixes)


def dotted(node: ast.expr) -> str:
    """`a.b.c` of such an expression; only its last names where it begins with something else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        names.append(node.id)
    return ".".join(reversed(names))


def calls(source: Source) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the full name of what is called, imports under another name undone."""
    names = _full_names(source)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            first, _, rest = dotted(node.func).partition(".")
            yield ".".join(filter(None, (names.get(first, first), rest))), node


def _full_names(source: Source) -> dict[str, str]:
    names: dict[str, str] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{_module(source, node)}.{alias.name}" for alias in node.names}
    return names


def functions(source: Source) -> Iterator[tuple[str, int]]:
    """Name and length in lines of every function."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1
