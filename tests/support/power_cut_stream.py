"""What a power cut is tried on: puts into the real storage. `python -m ... FOLDER ROUNDS SYNCHRONOUS`.

Beside the stream whose records must stay, another one is filled and deleted, so that purging, freed pages and the
checkpoints of both are among the writes.
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from millrace.stream.v1 import stream_service_pb2

from chassis import clock
from chassis.database import engine, maintenance, migrations, readers, writer
from chassis.errors import DomainError
from stream_service import app
from stream_service.core import errors, reading, record, router, stream, works
from stream_service.storage import sql_records, sql_store
from tests.support import power_cut_notes

STREAM = "orders"
PASSING_STREAM = "passing"
SHARDS = 3
PUTS_AT_A_TIME = 4
RECORDS_PER_PUT = 5
RECORDS_PER_ROUND = PUTS_AT_A_TIME * RECORDS_PER_PUT
DATA_BYTES = 700


async def put_and_promise(records: sql_records.SqlRecords, stream_name: str, first: int) -> None:
    """Put numbered words, padded to the size of a record, and promise those that the storage says it has."""
    words = [f"r{number}" for number in range(first, first + RECORDS_PER_PUT)]
    put = works.Put(
        stream_name,
        [record.new_record(word, word.encode().ljust(DATA_BYTES), router.hash_key_of(word)) for word in words],
        RECORDS_PER_PUT * DATA_BYTES,
    )
    done = await records.write(put)
    assert isinstance(done, works.PutDone)
    assert not any(isinstance(answer, DomainError) for answer in done.answers)
    if stream_name == STREAM:
        power_cut_notes.acknowledge(words)


@contextmanager
def opened(folder: Path) -> Iterator[tuple[sql_records.SqlRecords, writer.Writer]]:
    """The storage of a folder as the service opens it, with a writer that is not started."""
    system = clock.SystemClock()
    database = engine.open_database(f"sqlite:///{folder}/stream.db", readers=1)
    migrations.upgrade(database, app.MIGRATIONS)
    store = sql_store.SqlStore(system.unix_millis)
    writes = writer.Writer(
        database.writer_connection,
        store.transact,
        on_committed=lambda group, results: None,
        on_fatal=sys.exit,
        housekeeper=maintenance.Maintenance(
            database, monotonic=system.monotonic, wal_bytes_max=power_cut_notes.SMALL_WAL_BYTES
        ),
        on_rolled_back=store.on_rolled_back,
    )
    reads = readers.Readers(database, on_fatal=sys.exit)
    yield sql_records.SqlRecords(writes, reads), writes
    reads.close()
    database.close()


async def keep(folder: Path, rounds: int) -> None:
    """Put as the service does: several callers at a time, each answered when its records are stored."""
    with opened(folder) as (records, writes):
        writes.start(asyncio.get_running_loop())
        for name in (STREAM, PASSING_STREAM):
            await records.write(works.Create(stream.StreamSpec(name=name, shard_count=SHARDS), ""))
        for round_number in range(rounds):
            first = round_number * RECORDS_PER_ROUND
            wanted = [(STREAM, first + place) for place in range(0, RECORDS_PER_ROUND, RECORDS_PER_PUT)]
            if round_number < rounds // 2:
                wanted.append((PASSING_STREAM, first))
            await asyncio.gather(*[put_and_promise(records, *each) for each in wanted])
            if round_number == rounds // 2:
                await records.write(works.Delete(PASSING_STREAM))
                await records.write(works.Trim(0.0))
        await writes.stop()


def stored(folder: Path) -> set[str]:
    """The records of the stream by the storage's own reading, which refuses a shard that lacks some."""
    with opened(folder) as (records, _):
        return asyncio.run(_words(records))


async def _words(records: sql_records.SqlRecords) -> set[str]:
    try:
        _, shards = await records.shards(STREAM)
    except errors.StreamNotFound:
        return set()
    words: set[str] = set()
    for shard in shards:
        place = reading.Place(stream_name=STREAM, stream_id="", shard_index=shard.index)
        read = await records.read(place, reading.Bounds())
        assert read.position == max(shard.last, shard.horizon), "a shard is read to its end"
        for part in read.slices:
            found = stream_service_pb2.GetRecordsResponse.FromString(bytes(part.payload)).records
            words.update(each.partition_key for each in found)
    return words


if __name__ == "__main__":
    power_cut_notes.with_small_figures(sys.argv[3])
    asyncio.run(keep(Path(sys.argv[1]), int(sys.argv[2])))
