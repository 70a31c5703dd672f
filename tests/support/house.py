"""The rules of the house as checks of one file: each answers what it found, nothing when all is well."""

from __future__ import annotations

import ast
import re
import sys

from tests.support import imports, swallowed
from tests.support.imports import Source

SERVICES = ("stream_service", "mapping_service")
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60

_KNOWN = {
    "chassis": {"chassis"},
    "stream_service": {"stream_service", "chassis"},
    "mapping_service": {"mapping_service", "chassis"},
    "millrace_sdk": {"millrace_sdk"},
    "millrace_cli": {"millrace_cli", "millrace_sdk"},
}
# What computes and nothing else: no clock, no chance, no files, no threads.
_PURE = (
    *("__future__", "abc", "base64", "binascii", "bisect", "collections", "dataclasses", "datetime", "enum"),
    *("functools", "hashlib", "heapq", "hmac", "itertools", "json", "math", "operator", "re", "string", "struct"),
    *("typing", "uuid", "zlib", "chassis.errors"),
)
_IMPURE_CALLS = re.compile(
    r"^(open|print|input|exec|eval)$|\b(now|utcnow|today|uuid1|uuid4|getrandbits|fromtimestamp)$"
)
# What a room may know of the others beside core; what is not named here (app, __main__, settings) may know all.
_ROOMS = {
    "core": set[str](),
    "storage": {"stores"},
    "stores": set[str](),
    "rpc": {"service", "shard_service", "subscriptions", "watching"},
    "service": {"stores", "heads", "waiting", "shard_service", "consumer_service", "peek_service", "page_tokens"},
    "pollers": {"stores"},
    "retention": set[str](),
    "waiting": set[str](),
    "shard_service": {"page_tokens"},
    "consumer_service": {"page_tokens"},
    "peek_service": set(),
    "page_tokens": set(),
    "subscriptions": {"heads", "waiting"},
    "heads": {"waiting"},
    "watching": {"heads"},
}
_USE_CASES = {
    "service",
    "shard_service",
    "consumer_service",
    "peek_service",
    "page_tokens",
    "subscriptions",
    "stores",
    "heads",
    "waiting",
    "watching",
    "retention",
}
_FORBIDDEN_NAMES = re.compile(r"(^|/)(common|utils?|helpers?|models?|types|\w+_(utils?|helpers?))(\.py)?(/|$)")
_PB_ROOMS = re.compile(r"^(chassis/process/|\w+_service/(rpc/|pollers/\w+_client\.py$|storage/segment\.py$))")
_SQL_ROOMS = re.compile(r"^(chassis/(database/|process/versions\.py$)|\w+_service/(storage/|app\.py$))")
_OWNERS = {
    "prometheus_client": "chassis/process/metrics_page.py",
    "opentelemetry": "chassis/process/tracing.py",
}
"""Libraries that one file alone may know."""
_MOCKS = ("unittest.mock", "mock", "pytest_mock", "mocker")

MAY_CATCH_ALL = {
    ("chassis/database/writer.py", "_run"): "the run() of the writer's thread: an error ends the process",
    ("chassis/process/drain.py", "_take_one"): "a step that fails may not keep the process from ending",
    ("chassis/process/error_interceptor.py", "guarded"): "the interceptor",
    ("mapping_service/pollers/mapping_runner.py", "run"): "a run()",
    ("mapping_service/pollers/shard_poller.py", "run"): "a run()",
    ("mapping_service/pollers/watch_client.py", "run"): "a run()",
    ("sdk/millrace_sdk/failure.py", "_text"): "an exception of the user's that fails to say its text",
    ("sdk/millrace_sdk/handler_servicer.py", "_on_loop"): "what the user's function raises is its answer",
    ("sdk/millrace_sdk/handler_servicer.py", "_call"): "what the user's function raises is its answer",
    ("sdk/millrace_sdk/lane.py", "_run"): "a run(): whoever awaits a put is told",
    ("sdk/millrace_sdk/stream_puts.py", "_run"): "a run(): whoever awaits a put is told",
}
"""Where everything may be caught, and why there."""
PLANTS_FAULTS = {"tests/unit/mapping_service/core/test_simulation.py"}
"""Tests that break the product on purpose, to see it caught."""


def foreign_imports(source: Source) -> set[str]:
    """What a package imports of packages that it may not know."""
    mine = next(name for folder, name in imports.PACKAGES.items() if source.path.startswith(f"{folder}/"))
    strangers = {*imports.PACKAGES.values(), "tests", "benchmarks", "examples"} - _KNOWN[mine]
    return imports.imports_any(source, *strangers)


def impure_imports(source: Source) -> set[str]:
    """What a core imports beside itself and what only computes."""
    if not _is_core(source):
        return set()
    mine = source.path.split("/")[0]
    return {name for name in imports.imported(source) if not imports.is_below(name, f"{mine}.core", *_PURE)}


def impure_calls(source: Source) -> set[str]:
    """What a core calls that answers differently each time, or touches the world."""
    return {name for name, _ in imports.calls(source) if _IMPURE_CALLS.search(name)} if _is_core(source) else set()


def _is_core(source: Source) -> bool:
    return re.match(r"\w+_service/core/", source.path) is not None


def imports_across_rooms(source: Source) -> set[str]:
    """What a room of a service imports of rooms that it may not know."""
    service, *rest = source.path.split("/")
    if service not in SERVICES:
        return set()
    room = rest[0].removesuffix(".py")
    if room not in _ROOMS:
        return set()
    allowed = [f"{service}.{known}" for known in {room, "core"} | _ROOMS[room]]
    return {name for name in imports.imports_any(source, service) if not imports.is_below(name, *allowed)}


def use_cases_that_know_the_wire(source: Source) -> set[str]:
    """What a file of use cases imports of gRPC, of generated messages or of SQL."""
    service, *rest = source.path.split("/")
    if service not in SERVICES or rest[0].removesuffix(".py") not in _USE_CASES:
        return set()
    return imports.imports_any(source, "grpc", "millrace", "google", "sqlalchemy", "sqlite3", "chassis.database")


def misplaced_sql(source: Source) -> set[str]:
    """SQL outside its rooms."""
    return set() if _SQL_ROOMS.match(source.path) else imports.imports_any(source, "sqlalchemy", "alembic", "sqlite3")


def misplaced_messages(source: Source) -> set[str]:
    """Generated messages in a service outside their rooms."""
    if _PB_ROOMS.match(source.path) or not source.path.startswith((*SERVICES, "chassis")):
        return set()
    return {name for name in imports.imported(source) if "_pb2" in name or imports.is_below(name, "millrace")}


def owned_imports(source: Source) -> set[str]:
    """Imports of a library by another file than the one that knows it for all."""
    return imports.imports_any(source, *(name for name, owner in _OWNERS.items() if owner != source.path))


def bad_name(source: Source) -> bool:
    """Whether the file or a folder of it is called what such rooms are called before they fill up."""
    return _FORBIDDEN_NAMES.search(source.path) is not None


def too_long(source: Source) -> list[object]:
    """The file if it is too long, and its functions that are."""
    lines = len(source.text.splitlines())
    long = [(name, length) for name, length in imports.functions(source) if length > FUNCTION_LINES_MAX]
    return [*([lines] if lines > FILE_LINES_MAX else []), *long]


def unfinished(source: Source) -> list[str]:
    """Marks of work that was put off."""
    return re.findall(r"\b(?:TODO|FIXME|HACK|XXX)\b", source.text)


def swallowing(source: Source) -> list[str]:
    """Functions that catch everything and go on, where that is not theirs to do."""
    return [name for name in swallowed.functions(source) if (source.path, name) not in MAY_CATCH_ALL]


def mocks(source: Source) -> set[str]:
    """Mocks, and patches of anything but a bound (a constant, in capitals)."""
    found = imports.imports_any(source, *_MOCKS)
    if source.path in PLANTS_FAULTS:
        return found
    return found | {name for name, call in imports.calls(source) if name.endswith("patch.setattr") and _is_code(call)}


def _is_code(call: ast.Call) -> bool:
    names = [str(each.value).rpartition(".")[2] for each in call.args[:2] if isinstance(each, ast.Constant)]
    return not any(re.fullmatch(r"[A-Z][A-Z0-9_]*", name) for name in names)


def sleeps(source: Source) -> list[str]:
    """Sleeps in a test; `asyncio.sleep(0)` only lets others go first."""
    found = [(name, call) for name, call in imports.calls(source) if name in ("time.sleep", "asyncio.sleep")]
    return [name for name, call in found if name == "time.sleep" or ast.unparse(call.args[0]) != "0"]


def machine_paths(source: Source) -> list[str]:
    """Paths of somebody's machine."""
    return re.findall(r"(?<![\w.])/(?:work|farm|root|home|Users)/", source.text)


def unknown_distributions(source: Source) -> set[str]:
    """What the SDK imports that its users need not have."""
    if not source.path.startswith("sdk/"):
        return set()
    known = {"millrace_sdk", "millrace", "grpc", "google", "grpc_health", "grpc_reflection", *sys.stdlib_module_names}
    return {name for name in imports.imported(source) if name.split(".")[0] not in known}
