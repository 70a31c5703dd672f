import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy

from chassis import errors
from chassis.database import engine, writer
from chassis.database.transaction import Housekeeper, Work


@dataclass(frozen=True)
class Note:
    text: str
    size_bytes: int = 10
    record_count: int = 1
    frees_space: bool = False


@dataclass
class Notebook:
    """A table of texts, its writer, and what the writer told."""

    database: engine.Database
    groups: list[list[str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    fatal: list[str] = field(default_factory=list)
    rollbacks: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)

    def transact(self, connection: sqlalchemy.Connection, works: Sequence[Work]) -> list[object]:
        self.entered.set()
        assert self.gate.wait(10)
        texts = [work.text for work in works if isinstance(work, Note)]
        self.groups.append(texts)
        return [self._write(connection, text) for text in texts]

    def _write(self, connection: sqlalchemy.Connection, text: str) -> object:
        if text == "refused":
            return errors.InvalidArgument(errors.FieldViolation("text", "must not be refused"))
        connection.exec_driver_sql("INSERT INTO note VALUES (?)", (text,))
        if text == "breaks":
            raise ValueError("breaks")
        return f"stored {text}"

    def on_committed(self, works: Sequence[Work], results: Sequence[object]) -> None:
        self.told.extend(str(result) for result in results)

    def on_rolled_back(self) -> None:
        self.rollbacks += 1

    def stored(self) -> list[str]:
        with self.database.reading() as connection:
            return list(connection.exec_driver_sql("SELECT text FROM note ORDER BY rowid").scalars())


@dataclass
class Fault:
    """Statements that begin so fail with this error: all of them, or as many as told after those let through."""

    statement: str
    error: Exception
    let_through: int = 0
    times: int = 1_000

    def strikes(self, statement: str) -> bool:
        if not statement.startswith(self.statement):
            return False
        self.let_through -= 1
        if self.let_through >= 0 or self.times == 0:
            return False
        self.times -= 1
        return True


class FailingConnection:
    """A connection whose statements fail as told; all else goes through to the real one."""

    def __init__(self, real: sqlalchemy.Connection, fault: Fault) -> None:
        self._real = real
        self._fault = fault

    @property
    def connection(self) -> object:
        return self._real.connection

    def exec_driver_sql(self, statement: str, *parameters: object) -> object:
        if self._fault.strikes(statement):
            raise self._fault.error
        return self._real.exec_driver_sql(statement, *parameters)


def a_driver_error(code: int, name: str) -> sqlalchemy.exc.OperationalError:
    original = sqlite3.OperationalError("driver text")
    original.sqlite_errorcode = code  # type: ignore[misc]
    original.sqlite_errorname = name  # type: ignore[misc]
    return sqlalchemy.exc.OperationalError("COMMIT", None, original)


FSYNC_FAILED = a_driver_error(sqlite3.SQLITE_IOERR_FSYNC, "SQLITE_IOERR_FSYNC")
DISK_FULL = a_driver_error(sqlite3.SQLITE_FULL, "SQLITE_FULL")


@asynccontextmanager
async def a_notebook(
    folder: Path,
    *,
    bounds: writer.WriterBounds | None = None,
    housekeeper: Housekeeper | None = None,
    is_open: bool = True,
    fault: Fault | None = None,
) -> AsyncIterator[tuple[writer.Writer, Notebook]]:
    database = engine.open_database(f"sqlite:///{folder}/notes.db")
    database.writer_connection().exec_driver_sql("CREATE TABLE note (text TEXT)")
    notebook = Notebook(database)
    if is_open:
        notebook.gate.set()
    connection = database.writer_connection()
    made = writer.Writer(
        lambda: FailingConnection(connection, fault) if fault else connection,  # type: ignore[arg-type, return-value]  # a fake
        notebook.transact,
        on_committed=notebook.on_committed,
        on_fatal=notebook.fatal.append,
        bounds=bounds,
        housekeeper=housekeeper,
        on_rolled_back=notebook.on_rolled_back,
    )
    made.start(asyncio.get_running_loop())
    try:
        yield made, notebook
    finally:
        notebook.gate.set()
        await made.stop()
        database.close()


async def gathered(made: writer.Writer, notebook: Notebook, notes: Sequence[Note]) -> list[object]:
    """Submit while the writer is busy with a first note, so that the others wait together."""
    first = made.submit(Note("first"))
    await asyncio.to_thread(notebook.entered.wait, 10)
    rest = [made.submit(note) for note in notes]
    notebook.gate.set()
    return (await asyncio.gather(first, *rest, return_exceptions=True))[1:]


@pytest.mark.asyncio
async def test_a_caller_gets_its_result_when_it_is_stored(tmp_path: Path) -> None:
    async with a_notebook(tmp_path) as (made, notebook):
        assert await made.submit(Note("a")) == "stored a"
        assert notebook.stored() == ["a"]


@pytest.mark.asyncio
async def test_all_that_waits_is_one_transaction_in_order(tmp_path: Path) -> None:
    async with a_notebook(tmp_path, is_open=False) as (made, notebook):
        results = await gathered(made, notebook, [Note("a"), Note("b"), Note("c")])

        assert results == ["stored a", "stored b", "stored c"]
        assert notebook.groups == [["first"], ["a", "b", "c"]]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("bounds", "note"),
    [
        pytest.param(writer.WriterBounds(commit_bytes=20), Note("n", size_bytes=10), id="bytes"),
        pytest.param(writer.WriterBounds(commit_records=4), Note("n", record_count=2), id="records"),
    ],
)
async def test_L5_a_commit_has_a_bound(tmp_path: Path, bounds: writer.WriterBounds, note: Note) -> None:
    async with a_notebook(tmp_path, bounds=bounds, is_open=False) as (made, notebook):
        await gathered(made, notebook, [note] * 5)

        assert [len(group) for group in notebook.groups] == [1, 2, 2, 1]


@pytest.mark.asyncio
async def test_L5_a_commit_holds_at_least_one_request(tmp_path: Path) -> None:
    bounds = writer.WriterBounds(commit_bytes=5)
    async with a_notebook(tmp_path, bounds=bounds, is_open=False) as (made, notebook):
        assert await gathered(made, notebook, [Note("a"), Note("b")]) == ["stored a", "stored b"]


@pytest.mark.asyncio
async def test_L5_one_bad_request_fails_alone(tmp_path: Path) -> None:
    async with a_notebook(tmp_path, is_open=False) as (made, notebook):
        results = await gathered(made, notebook, [Note("a"), Note("breaks"), Note("b")])

        assert results[0::2] == ["stored a", "stored b"]
        assert isinstance(results[1], ValueError)
        assert notebook.stored() == ["first", "a", "b"]
        assert notebook.rollbacks == 2


@pytest.mark.asyncio
async def test_a_refusal_as_a_result_concerns_its_caller_alone(tmp_path: Path) -> None:
    async with a_notebook(tmp_path, is_open=False) as (made, notebook):
        results = await gathered(made, notebook, [Note("a"), Note("refused")])

        assert results[0] == "stored a"
        assert isinstance(results[1], errors.InvalidArgument)
        assert notebook.rollbacks == 0


@pytest.mark.asyncio
async def test_D4_what_waits_has_a_bound(tmp_path: Path) -> None:
    bounds = writer.WriterBounds(waiting_bytes=30)
    async with a_notebook(tmp_path, bounds=bounds, is_open=False) as (made, notebook):
        waiting = [made.submit(Note(text)) for text in "abc"]

        with pytest.raises(errors.Overloaded) as refused:
            made.submit(Note("d"))

        assert refused.value.retry_after is not None
        notebook.gate.set()
        await asyncio.gather(*waiting)
        assert made.waiting_bytes == 0
        assert await made.submit(Note("d")) == "stored d"


@pytest.mark.asyncio
async def test_readers_are_told_before_the_callers_and_after_the_commit(tmp_path: Path) -> None:
    seen: list[str] = []
    async with a_notebook(tmp_path) as (made, notebook):
        made._on_committed = lambda works, results: seen.extend(["told", *notebook.stored()])
        await made.submit(Note("a"))
        seen.append("answered")

    assert seen == ["told", "a", "answered"]


@pytest.mark.asyncio
async def test_a_caller_that_gave_up_before_its_turn_is_not_written(tmp_path: Path) -> None:
    async with a_notebook(tmp_path, is_open=False) as (made, notebook):
        first = made.submit(Note("first"))
        await asyncio.to_thread(notebook.entered.wait, 10)
        made.submit(Note("gone")).cancel()
        last = made.submit(Note("last"))
        notebook.gate.set()
        await asyncio.gather(first, last)

        assert notebook.stored() == ["first", "last"]
        assert made.waiting_bytes == 0


@pytest.mark.asyncio
async def test_stop_writes_what_waits_and_refuses_what_comes(tmp_path: Path) -> None:
    async with a_notebook(tmp_path, is_open=False) as (made, notebook):
        waiting = [made.submit(Note(text)) for text in "abc"]
        stopping = asyncio.ensure_future(made.stop())
        await asyncio.sleep(0)
        with pytest.raises(errors.Unavailable):
            made.submit(Note("late"))
        notebook.gate.set()
        await stopping

        assert [future.result() for future in waiting] == ["stored a", "stored b", "stored c"]


@pytest.mark.asyncio
async def test_decision_1_an_error_of_commit_is_unknown_and_ends_the_process(tmp_path: Path) -> None:
    fault = Fault("COMMIT", FSYNC_FAILED)
    async with a_notebook(tmp_path, is_open=False, fault=fault) as (made, notebook):
        first = made.submit(Note("first"))
        await asyncio.to_thread(notebook.entered.wait, 10)
        untried = made.submit(Note("untried"))
        notebook.gate.set()
        results = await asyncio.gather(first, untried, return_exceptions=True)

        await made.stop()
        assert isinstance(results[0], errors.OutcomeUnknown)
        assert isinstance(results[1], errors.Unavailable)
        assert not isinstance(results[1], errors.OutcomeUnknown)
        assert notebook.fatal == ["COMMIT failed: SQLITE_IOERR_FSYNC"]
        with pytest.raises(errors.Unavailable):
            made.submit(Note("late"))
        assert made.waiting_bytes == 0


@pytest.mark.asyncio
async def test_L8_a_write_error_inside_the_transaction_ends_the_process_too(tmp_path: Path) -> None:
    fault = Fault("INSERT", FSYNC_FAILED)
    async with a_notebook(tmp_path, fault=fault) as (made, notebook):
        with pytest.raises(errors.OutcomeUnknown):
            await made.submit(Note("a"))
        await made.stop()

        assert notebook.fatal == ["writing failed: SQLITE_IOERR_FSYNC"]


@pytest.mark.asyncio
@pytest.mark.parametrize("statement", ["INSERT", "COMMIT"])
async def test_L8_a_full_disk_is_a_refusal_and_writing_goes_on(tmp_path: Path, statement: str) -> None:
    fault = Fault(statement, DISK_FULL, times=1)
    async with a_notebook(tmp_path, fault=fault) as (made, notebook):
        with pytest.raises(errors.StorageFull):
            await made.submit(Note("a"))
        assert await made.submit(Note("b")) == "stored b"
        assert notebook.stored() == ["b"]
        assert notebook.fatal == []


@pytest.mark.asyncio
async def test_L8_on_a_full_disk_what_frees_space_is_let_through(tmp_path: Path) -> None:
    fault = Fault("COMMIT", DISK_FULL, let_through=1, times=1)
    async with a_notebook(tmp_path, is_open=False, fault=fault) as (made, notebook):
        results = await gathered(made, notebook, [Note("put"), Note("delete", frees_space=True)])

        assert isinstance(results[0], errors.StorageFull)
        assert results[1] == "stored delete"
        assert notebook.stored() == ["first", "delete"]


@pytest.mark.asyncio
async def test_a_busy_database_is_a_refusal_that_says_when_to_come_back(tmp_path: Path) -> None:
    busy = a_driver_error(sqlite3.SQLITE_BUSY, "SQLITE_BUSY")
    fault = Fault("BEGIN", busy)
    async with a_notebook(tmp_path, fault=fault) as (made, _):
        with pytest.raises(errors.Unavailable) as refused:
            await made.submit(Note("a"))
        assert refused.value.retry_after is not None


class Chores:
    """A housekeeper with so much to do, and an end that can be awaited."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.is_done = threading.Event()

    def is_disk_full(self) -> bool:
        return False

    def on_disk_full(self) -> None:
        raise AssertionError("the disk is not full")

    def after_commit(self, connection: sqlalchemy.Connection) -> bool:
        self.left -= 1
        if self.left == 0:
            self.is_done.set()
        return self.left != 0


@pytest.mark.asyncio
async def test_L8_the_house_is_kept_while_nobody_waits_and_after_the_caller_knows(tmp_path: Path) -> None:
    chores = Chores(5)
    async with a_notebook(tmp_path, housekeeper=chores) as (made, _):
        assert await made.submit(Note("a")) == "stored a"
        assert await asyncio.to_thread(chores.is_done.wait, 10)


@pytest.mark.asyncio
async def test_the_house_waits_while_somebody_does(tmp_path: Path) -> None:
    endless = -1
    chores = Chores(endless)
    async with a_notebook(tmp_path, housekeeper=chores) as (made, _):
        for text in "abc":
            assert await made.submit(Note(text)) == f"stored {text}"
        # Stopping is something that waits, too.
        await made.stop()


class FullHouse(Chores):
    """A housekeeper to whose script the driver itself says that the disk is full."""

    def after_commit(self, connection: sqlalchemy.Connection) -> bool:
        super().after_commit(connection)
        full = sqlite3.OperationalError("database or disk is full")
        full.sqlite_errorcode = sqlite3.SQLITE_FULL  # type: ignore[misc]  # the driver sets it, too
        raise full


@pytest.mark.asyncio
async def test_L8_a_disk_that_is_full_for_the_housekeeper_does_not_end_the_writer(tmp_path: Path) -> None:
    chores = FullHouse(1)
    async with a_notebook(tmp_path, housekeeper=chores) as (made, _):
        await made.submit(Note("a"))
        await asyncio.to_thread(chores.is_done.wait, 10)

        assert await made.submit(Note("b")) == "stored b"
