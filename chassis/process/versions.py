"""What this process stands on, checked at start: a gRPC that bounds memory, a SQLite that keeps what it was given."""

import sqlite3

import grpc
import structlog

from chassis.errors import StartRefused

_log = structlog.get_logger(__name__)

Version = tuple[int, ...]

GRPCIO_MIN: Version = (1, 85)
"""Earlier versions decompress a message of any size before they look at the limit."""

SQLITE_FIXED: Version = (3, 51, 3)
SQLITE_BACKPORTS: dict[Version, Version] = {(3, 44): (3, 44, 6), (3, 50): (3, 50, 7)}
"""First versions, by branch, without the WAL-reset bug: a checkpoint that races with a commit of another connection."""


class VersionRefused(StartRefused):
    """A library is too old to run a service on."""


def check() -> None:
    """Raise VersionRefused if gRPC is too old; say in the log which SQLite this is, and warn if it has the bug."""
    require_grpcio(grpc.__version__)
    affected = has_wal_reset_bug(sqlite3.sqlite_version_info)
    _log.info("versions", sqlite=sqlite3.sqlite_version, grpcio=grpc.__version__)
    if affected:
        _log.warning(
            "sqlite_has_wal_reset_bug",
            sqlite=sqlite3.sqlite_version,
            advice="one connection of this process writes and checkpoints, which avoids it; open the file nowhere else",
        )


def require_grpcio(version: str) -> None:
    """Raise VersionRefused if this version of grpcio is older than the oldest that bounds memory."""
    if _parse(version) < GRPCIO_MIN:
        least = ".".join(map(str, GRPCIO_MIN))
        raise VersionRefused(f"grpcio {version} is installed; the services need {least} or newer")


def has_wal_reset_bug(version: Version) -> bool:
    """Whether this version of SQLite can lose a commit when another connection checkpoints."""
    fixed = SQLITE_BACKPORTS.get(version[:2], SQLITE_FIXED)
    return (3, 7, 0) <= version < fixed


def _parse(version: str) -> Version:
    """The numbers in front of a version: 1.85.1 and 1.85.0rc1 begin alike."""
    parts: list[int] = []
    for part in version.split("."):
        if not part.isdigit():
            break
        parts.append(int(part))
    return tuple(parts)
