"""Who may import whom, and how large a room may be. Each check is shown to catch a breach."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import pytest

from tests.support import imports
from tests.support.imports import Source

Check = Callable[[Source], object]
PRODUCT = ("chassis", "stream_service", "mapping_service", "sdk", "cli")
SERVICES = ("stream_service", "mapping_service")
CORE_FORBIDDEN = (
    *("grpc", "sqlalchemy", "millrace", "asyncio", "threading", "time", "os", "random", "logging"),
    *("socket", "subprocess", "secrets", "structlog", "google", "pydantic"),
)
FORBIDDEN_NAMES = re.compile(r"(^|/)(common|utils?|helpers?|models?|types)(\.py)?(/|$)")
PB_ROOMS = re.compile(r"^(chassis/process/|\w+_service/(rpc/|pollers/\w+_client\.py|storage/segment\.py|app\.py))")
SQL_ROOMS = re.compile(r"^(chassis/database/|\w+_service/(storage/|app\.py))")
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
BROAD_EXCEPT_ALLOWED = re.compile(r"^(run|_run|guarded|_guard_answer|_guard_stream|_take_one)$")


def foreign_imports(source: Source) -> set[str]:
    """What a package imports of packages that it may not know."""
    mine = next(name for folder, name in imports.PACKAGES.items() if source.path.startswith(f"{folder}/"))
    allowed = {
        "chassis": {"chassis"},
        "stream_service": {"stream_service", "chassis"},
        "mapping_service": {"mapping_service", "chassis"},
        "millrace_sdk": {"millrace_sdk"},
        "millrace_cli": {"millrace_cli", "millrace_sdk"},
    }[mine]
    return imports.imports_any(source, *(set(imports.PACKAGES.values()) - allowed))


def impure_imports(source: Source) -> set[str]:
    """What a core imports that it may not."""
    if not re.match(r"\w+_service/core/", source.path):
        return set()
    chassis = {name for name in imports.imports_any(source, "chassis") if not name.startswith("chassis.errors")}
    mine = source.path.split("/")[0]
    outer = {name for name in imports.imports_any(source, mine) if not name.startswith(f"{mine}.core")}
    return imports.imports_any(source, *CORE_FORBIDDEN) | chassis | outer


def misplaced_sql(source: Source) -> set[str]:
    """SQLAlchemy outside its rooms."""
    return set() if SQL_ROOMS.match(source.path) else imports.imports_any(source, "sqlalchemy", "alembic")


def misplaced_messages(source: Source) -> set[str]:
    """Generated messages in a service outside their rooms."""
    if PB_ROOMS.match(source.path) or not source.path.startswith((*SERVICES, "chassis")):
        return set()
    return {name for name in imports.imported(source) if "_pb2" in name}


def bad_name(source: Source) -> bool:
    """Whether the file or a folder of it is called what such rooms are called before they fill up."""
    return FORBIDDEN_NAMES.search(source.path) is not None


def too_long(source: Source) -> list[object]:
    """The file if it is too long, and its functions that are."""
    lines = source.text.count("\n")
    long = [(name, length) for name, length in imports.functions(source) if length > FUNCTION_LINES_MAX]
    return [*([lines] if lines > FILE_LINES_MAX else []), *long]


def unfinished(source: Source) -> list[str]:
    """Marks of work that was put off."""
    return re.findall(r"\b(?:TODO|FIXME|HACK|XXX)\b", source.text)


def swallowing(source: Source) -> list[str]:
    """Functions that catch everything and go on, outside of run() and the interceptor."""
    return [name for name in imports.broad_excepts(source) if not BROAD_EXCEPT_ALLOWED.match(name)]


def mocks_and_sleeps(source: Source) -> list[str]:
    """Mocks, patches and sleeps in a test."""
    return re.findall(r"unittest\.mock|MagicMock|monkeypatch\.setattr|\b(?:time|asyncio)\.sleep\((?!0\))", source.text)


def machine_paths(source: Source) -> list[str]:
    """Paths of somebody's machine."""
    return re.findall(r"(?<![\w.])/(?:work|farm|root|home)/", source.text)


PRODUCT_CHECKS: list[Check] = [
    foreign_imports,
    impure_imports,
    misplaced_sql,
    misplaced_messages,
    bad_name,
    too_long,
    unfinished,
    swallowing,
    machine_paths,
]


@pytest.mark.parametrize("check", PRODUCT_CHECKS, ids=lambda check: check.__name__)
def test_the_product_keeps_its_house(check: Check) -> None:
    checked = list(imports.sources(*PRODUCT))
    assert len(checked) > 50

    assert _breaches(check, checked) == {}


@pytest.mark.parametrize("check", [mocks_and_sleeps, unfinished, machine_paths], ids=lambda check: check.__name__)
def test_the_tests_keep_their_house(check: Check) -> None:
    this = "tests/architecture/test_house.py"
    checked = [source for source in imports.sources("tests") if source.path != this]
    assert len(checked) > 20

    assert _breaches(check, checked) == {}


def _breaches(check: Check, checked: Iterable[Source]) -> dict[str, object]:
    return {source.path: found for source in checked if (found := check(source))}


PLANTED = [
    (foreign_imports, "stream_service/x.py", "from mapping_service import app"),
    (foreign_imports, "chassis/x.py", "import stream_service.app"),
    (foreign_imports, "sdk/millrace_sdk/x.py", "from chassis import errors"),
    (foreign_imports, "cli/millrace_cli/x.py", "def f():\n    import stream_service"),
    (impure_imports, "stream_service/core/x.py", "import time"),
    (impure_imports, "mapping_service/core/x.py", "from asyncio import Event"),
    (impure_imports, "mapping_service/core/x.py", "from millrace.stream.v1 import record_pb2"),
    (impure_imports, "stream_service/core/x.py", "from stream_service.storage import tables"),
    (impure_imports, "stream_service/core/x.py", "from chassis.database import writer"),
    (misplaced_sql, "stream_service/service.py", "import sqlalchemy as sa"),
    (misplaced_messages, "stream_service/service.py", "from millrace.stream.v1 import record_pb2"),
    (misplaced_messages, "mapping_service/pollers/supervisor.py", "from millrace.stream.v1 import record_pb2"),
    (bad_name, "stream_service/utils.py", ""),
    (bad_name, "chassis/common/x.py", ""),
    (too_long, "chassis/x.py", "\n" * 501),
    (too_long, "chassis/x.py", "def f():\n" + "    pass\n" * 60),
    (unfinished, "chassis/x.py", "# TODO: later"),
    (swallowing, "chassis/x.py", "def f():\n    try:\n        g()\n    except Exception:\n        pass"),
    (swallowing, "chassis/x.py", "def f():\n    try:\n        g()\n    except:\n        pass"),
    (mocks_and_sleeps, "tests/x.py", "import unittest.mock"),
    (mocks_and_sleeps, "tests/x.py", "await asyncio.sleep(1)"),
    (machine_paths, "chassis/x.py", "open('/home/somebody/x')"),
]


@pytest.mark.parametrize(("check", "path", "text"), PLANTED)
def test_a_planted_breach_is_caught(check: Check, path: str, text: str) -> None:
    assert check(Source(path, text))
