"""What a power cut is tried on: a writer of the chassis that stores words. `python -m ... FOLDER COUNT SYNCHRONOUS`."""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy

from chassis import clock
from chassis.database import engine, maintenance, writer
from chassis.database.transaction import Work

WORD_BYTES = 3_000
SYNCHRONOUS = {"NORMAL": 1, "FULL": 2}


@dataclass(frozen=True)
class Note:
    """A word to keep."""

    word: str
    size_bytes: int = WORD_BYTES
    record_count: int = 1


SMALL_WAL_BYTES = 60_000


def with_small_figures(synchronous: str) -> None:
    """A short run gets its checkpoints and truncations; a durability other than the product's can be tried."""
    engine.WRITER_PRAGMAS["synchronous"] = (synchronous, SYNCHRONOUS[synchronous])
    engine.WRITER_PRAGMAS["wal_autocheckpoint"] = ("20", 20)


def acknowledge(words: Sequence[str]) -> None:
    """Promise that these are kept: in one call, which the trace shows."""
    os.write(1, "".join(f"ack {word}\n" for word in words).encode())


def transact(connection: sqlalchemy.Connection, works: Sequence[Work]) -> list[object]:
    """Store the notes."""
    words = [work.word for work in works if isinstance(work, Note)]
    for word in words:
        connection.exec_driver_sql("INSERT INTO note VALUES (?, zeroblob(?))", (word, WORD_BYTES))
    return list(words)


async def keep(folder: Path, count: int) -> None:
    """Write words from four callers at a time, and promise each when it is stored."""
    database = engine.open_database(f"sqlite:///{folder}/notes.db")
    database.writer_connection().exec_driver_sql("CREATE TABLE note (word TEXT, filling BLOB)")
    made = writer.Writer(
        database.writer_connection,
        transact,
        on_committed=lambda works, results: acknowledge([str(result) for result in results]),
        on_fatal=sys.exit,
        housekeeper=maintenance.Maintenance(
            database, monotonic=clock.SystemClock().monotonic, wal_bytes_max=SMALL_WAL_BYTES
        ),
    )
    made.start(asyncio.get_running_loop())
    for first in range(0, count, 4):
        await asyncio.gather(*[made.submit(Note(f"w{number}")) for number in range(first, first + 4)])
    await made.stop()
    database.close()


def stored(folder: Path) -> set[str]:
    """The words in the files of a folder; an error if the database is damaged."""
    if not (folder / "notes.db").exists():
        return set()
    connection = engine.connect(folder / "notes.db", engine.WRITER_PRAGMAS)
    try:
        assert connection.exec_driver_sql("PRAGMA quick_check").scalar_one() == "ok"
        has_table = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
        return set(connection.exec_driver_sql("SELECT word FROM note").scalars()) if has_table else set()
    finally:
        connection.close()


if __name__ == "__main__":
    with_small_figures(sys.argv[3])
    asyncio.run(keep(Path(sys.argv[1]), int(sys.argv[2])))
