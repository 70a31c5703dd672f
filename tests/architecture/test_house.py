"""Who may import whom, and how large a room may be. Each check is shown to catch a breach."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tests.support import house, imports, swallowed
from tests.support.imports import Source

Check = Callable[[Source], object]
PRODUCT = ("chassis", "stream_service", "mapping_service", "sdk", "cli")
# They name on purpose what is forbidden.
PLANTERS = {"tests/architecture/test_house.py", "tests/support/house.py"}

PRODUCT_CHECKS: list[Check] = [
    house.foreign_imports,
    house.impure_imports,
    house.impure_calls,
    house.imports_across_rooms,
    house.use_cases_that_know_the_wire,
    house.misplaced_sql,
    house.misplaced_messages,
    house.owned_imports,
    house.unknown_distributions,
    house.swallowing,
]
CHECKS_OF_ALL: list[Check] = [house.bad_name, house.too_long, house.unfinished, house.machine_paths]
TEST_CHECKS: list[Check] = [house.mocks, house.sleeps]


def _name(check: Check) -> str:
    return check.__name__


@pytest.mark.parametrize("check", [*PRODUCT_CHECKS, *CHECKS_OF_ALL], ids=_name)
def test_the_product_keeps_its_house(check: Check) -> None:
    checked = imports.sources(*PRODUCT)
    assert len(checked) > 100

    assert _breaches(check, checked) == {}


@pytest.mark.parametrize("check", [*TEST_CHECKS, *CHECKS_OF_ALL], ids=_name)
def test_tests_examples_and_benchmarks_keep_their_house(check: Check) -> None:
    folders = ("tests",) if check in TEST_CHECKS else ("tests", "benchmarks", "examples", "protos")
    checked = [source for source in imports.sources(*folders) if source.path not in PLANTERS]
    assert len(checked) > 50

    assert _breaches(check, checked) == {}


def _breaches(check: Check, checked: Iterable[Source]) -> dict[str, object]:
    return {source.path: found for source in checked if (found := check(source))}


def test_the_places_that_may_catch_all_are_still_there() -> None:
    places = {(source.path, name) for source in imports.sources(*PRODUCT) for name in swallowed.functions(source)}

    assert house.MAY_CATCH_ALL.keys() - places == set()


TRY = "try:\n        g()\n    except "
PLANTED = [
    (house.foreign_imports, "stream_service/x.py", "from mapping_service import app"),
    (house.foreign_imports, "mapping_service/x.py", "import stream_service.core.record as r"),
    (house.foreign_imports, "chassis/x.py", "import stream_service.app"),
    (house.foreign_imports, "sdk/millrace_sdk/x.py", "from chassis import errors"),
    (house.foreign_imports, "cli/millrace_cli/x.py", "def f():\n    import stream_service"),
    (house.foreign_imports, "cli/millrace_cli/x.py", "import importlib\nimportlib.import_module('stream_service.app')"),
    (house.foreign_imports, "stream_service/x.py", "from millrace_sdk import Producer"),
    (house.foreign_imports, "stream_service/x.py", "from tests.support import clock"),
    (house.impure_imports, "stream_service/core/x.py", "import time"),
    (house.impure_imports, "mapping_service/core/x.py", "from asyncio import Event"),
    (house.impure_imports, "mapping_service/core/x.py", "from millrace.stream.v1 import record_pb2"),
    (house.impure_imports, "stream_service/core/x.py", "from stream_service.storage import tables"),
    (house.impure_imports, "stream_service/core/x.py", "from ..storage import tables"),
    (house.impure_imports, "stream_service/core/x.py", "from .. import service"),
    (house.impure_imports, "stream_service/core/x.py", "from chassis.database import writer"),
    (house.impure_imports, "stream_service/core/x.py", "from chassis import errors_of_another_kind"),
    (house.impure_imports, "stream_service/core/x.py", "import pathlib"),
    (house.impure_calls, "stream_service/core/x.py", "import datetime\ndatetime.datetime.now()"),
    (house.impure_calls, "mapping_service/core/x.py", "from uuid import uuid4 as new\nnew()"),
    (house.impure_calls, "mapping_service/core/x.py", "open('x')"),
    (house.imports_across_rooms, "stream_service/rpc/x.py", "from stream_service.storage import sql_log"),
    (house.imports_across_rooms, "stream_service/storage/x.py", "from stream_service import service"),
    (house.imports_across_rooms, "mapping_service/pollers/x.py", "from mapping_service.rpc import fields"),
    (house.imports_across_rooms, "mapping_service/service.py", "from mapping_service.pollers import supervisor"),
    (house.use_cases_that_know_the_wire, "stream_service/service.py", "import grpc"),
    (house.use_cases_that_know_the_wire, "stream_service/service.py", "from millrace.stream.v1 import record_pb2"),
    (house.misplaced_sql, "stream_service/service.py", "import sqlalchemy as sa"),
    (house.misplaced_sql, "mapping_service/pollers/x.py", "from sqlalchemy.engine import Connection"),
    (house.misplaced_messages, "stream_service/service.py", "from millrace.stream.v1 import record_pb2"),
    (house.misplaced_messages, "stream_service/storage/x.py", "import millrace.stream.v1.record_pb2"),
    (house.misplaced_messages, "mapping_service/pollers/supervisor.py", "from millrace.stream.v1 import record_pb2"),
    (house.misplaced_messages, "mapping_service/app.py", "from millrace.mapping.v1 import role_service_pb2_grpc"),
    (house.owned_imports, "chassis/process/admin.py", "import prometheus_client"),
    (house.owned_imports, "mapping_service/pollers/x.py", "from opentelemetry import trace"),
    (house.unknown_distributions, "sdk/millrace_sdk/x.py", "import structlog"),
    (house.bad_name, "stream_service/utils.py", ""),
    (house.bad_name, "stream_service/rpc/string_helpers.py", ""),
    (house.bad_name, "chassis/common/x.py", ""),
    (house.bad_name, "cli/millrace_cli/models.py", ""),
    (house.too_long, "chassis/x.py", "\n" * 501),
    (house.too_long, "chassis/x.py", "def f():\n" + "    pass\n" * 60),
    (house.unfinished, "chassis/x.py", "# TODO: later"),
    (house.unfinished, "chassis/x.py", "# FIXME"),
    (house.swallowing, "chassis/x.py", f"def f():\n    {TRY}Exception:\n        pass"),
    (house.swallowing, "chassis/x.py", "def f():\n    try:\n        g()\n    except:\n        pass"),
    (house.swallowing, "chassis/x.py", f"def f():\n    {TRY}(ValueError, Exception):\n        pass"),
    (house.swallowing, "chassis/x.py", f"def f():\n    {TRY}builtins.BaseException:\n        pass"),
    (house.swallowing, "chassis/x.py", f"def f(a):\n    {TRY}Exception:\n        if a:\n            raise"),
    (house.swallowing, "chassis/x.py", "def f():\n    with contextlib.suppress(Exception):\n        g()"),
    (house.swallowing, "chassis/x.py", "try:\n    g()\nexcept Exception:\n    pass"),
    (house.swallowing, "stream_service/core/x.py", f"def run():\n    {TRY}Exception:\n        pass"),
    (house.mocks, "tests/x.py", "import unittest.mock"),
    (house.mocks, "tests/x.py", "from unittest import mock"),
    (house.mocks, "tests/x.py", "from unittest.mock import MagicMock as Fake"),
    (house.mocks, "tests/x.py", "def f(monkeypatch):\n    monkeypatch.setattr(a, 'answer', lambda: 1)"),
    (house.mocks, "tests/x.py", "def f(monkeypatch):\n    monkeypatch.setattr('a.B.answer', lambda: 1)"),
    (house.sleeps, "tests/x.py", "import asyncio\nawait asyncio.sleep(1)"),
    (house.sleeps, "tests/x.py", "from time import sleep\nsleep(1)"),
    (house.sleeps, "tests/x.py", "import time as clock\nclock.sleep(0)"),
    (house.machine_paths, "chassis/x.py", "open('/home/somebody/x')"),
]


@pytest.mark.parametrize(("check", "path", "text"), PLANTED)
def test_a_planted_breach_is_caught(check: Check, path: str, text: str) -> None:
    assert check(Source(path, text))


def test_every_check_has_a_planted_breach() -> None:
    assert {*PRODUCT_CHECKS, *CHECKS_OF_ALL, *TEST_CHECKS} - {check for check, _, _ in PLANTED} == set()


INNOCENT = [
    (house.foreign_imports, "cli/millrace_cli/x.py", "from millrace_sdk import Producer"),
    (house.impure_imports, "stream_service/core/x.py", "import hashlib\nfrom chassis.errors import DomainError"),
    (house.impure_imports, "stream_service/core/x.py", "from . import shard"),
    (house.impure_imports, "stream_service/storage/x.py", "import time"),
    (house.impure_calls, "mapping_service/core/x.py", "uuid.uuid5(space, 'x')"),
    (house.imports_across_rooms, "stream_service/rpc/x.py", "from stream_service import service"),
    (house.misplaced_messages, "stream_service/storage/segment.py", "from millrace.stream.v1 import record_pb2"),
    (house.swallowing, "chassis/x.py", f"def f():\n    {TRY}Exception:\n        h()\n        raise"),
    (house.swallowing, "chassis/x.py", f"def f():\n    {TRY}ValueError:\n        pass"),
    (house.mocks, "tests/x.py", "def f(monkeypatch):\n    monkeypatch.setattr(watching, 'ENTRIES_MAX', 3)"),
    (house.mocks, "tests/x.py", "def f(monkeypatch):\n    monkeypatch.setenv('A', 'b')"),
    (house.sleeps, "tests/x.py", "import asyncio\nawait asyncio.sleep(0)"),
]


@pytest.mark.parametrize(("check", "path", "text"), INNOCENT)
def test_what_is_allowed_is_let_pass(check: Check, path: str, text: str) -> None:
    assert not check(Source(path, text))
