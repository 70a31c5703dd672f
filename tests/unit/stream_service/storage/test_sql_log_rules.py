"""Rules L1, L2, L4 and L5 on the real storage: each test fails when its rule is taken out."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from stream_service.core import errors, reading, works
from stream_service.core.stream import StreamSpec
from stream_service.storage import segment, segment_cache, sql_catalog, sql_log, sql_store
from tests.support import stream_records
from tests.support.stream_records import a_record, decoded, numbers

MIB = 1 << 20
NOW = 1_700_000_000_000
COLUMNS = ("shard_key", "first", "last", "previous_last", "first_index", "count", "format", "crc")


class House:
    """Storage without threads: one connection writes and reads, nothing is remembered between reads."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.store = sql_store.SqlStore(lambda: NOW)
        self.write(works.Create(StreamSpec(name="orders", shard_count=1, record_bytes_max=10 * MIB), ""))

    def write(self, *group: works.Work) -> list[object]:
        """One commit."""
        self.connection.exec_driver_sql("BEGIN IMMEDIATE")
        results = self.store.transact(self.connection, group)
        self.connection.exec_driver_sql("COMMIT")
        return list(results)

    def put(self, *data: bytes) -> list[int]:
        """One commit of records with one key; their numbers."""
        records = [a_record(each) for each in data]
        (done,) = self.write(works.Put("orders", records, sum(record[3] for record in records)))
        assert isinstance(done, works.PutDone)
        return [int(answer[1][:20]) for answer in done.answers if isinstance(answer, tuple)]

    def read(self, after: int = 0, connection: Any = None) -> reading.Found:
        """Read with nothing in memory."""
        place = reading.Place(stream_name="orders", stream_id="", shard_index=0, after=after)
        found = sql_catalog.find_stream(self.connection, "orders")
        cache = segment_cache.SegmentCache()
        return sql_log.read(connection or self.connection, cache, found, place, reading.Bounds())

    def run(self, text: str, *values: object) -> Sequence[Any]:
        """A statement, behind the storage's back."""
        result = self.connection.exec_driver_sql(text, values)
        return result.fetchall() if result.returns_rows else ()


@pytest.fixture
def house(tmp_path: Path) -> Any:
    """A house with a stream of one shard."""
    with stream_records.open_migrated(tmp_path) as database:
        yield House(database.writer_connection())


def test_l1_a_put_that_meets_a_closed_shard_goes_to_its_child(house: House) -> None:
    before = house.put(b"a", b"b")
    house.run("UPDATE shard SET is_open = 0")
    house.run(
        "INSERT INTO shard SELECT key + 1, stream_key, 1, starting_hash_key, ending_hash_key, '0', last, last, 0, "
        "last, 0, 1, created_millis, NULL, 0 FROM shard"
    )
    (done,) = house.write(works.Put("orders", [a_record(b"c"), a_record(b"d")], 10))
    assert isinstance(done, works.PutDone)
    assert [answer[0] for answer in done.answers if isinstance(answer, tuple)] == ["shardId-000000000001"] * 2
    assert numbers(house.read()) == before
    assert house.run("SELECT sum(count) FROM segment") == [(4,)]


def test_l1_a_put_that_meets_a_shard_moved_on_by_another_does_not_overwrite_it(house: House) -> None:
    house.put(b"a")
    house.run("UPDATE shard SET last = last + 5")
    number = house.put(b"b")[0]
    last, previous = house.run("SELECT last, previous_last FROM segment ORDER BY last")[-1]
    assert (last, previous) == (number, number - 1)


def test_l2_a_read_looks_at_the_shard_before_its_segments(house: House) -> None:
    house.put(b"a")
    asked: list[str] = []

    class Asking:
        def exec_driver_sql(self, text: str, values: Any = ()) -> Any:
            asked.append(text)
            return house.connection.exec_driver_sql(text, values)

    house.read(connection=Asking())
    of_shard = [place for place, text in enumerate(asked) if "FROM shard" in text]
    of_segments = [place for place, text in enumerate(asked) if "FROM segment" in text]
    assert of_shard[0] < of_segments[0]


def test_l4_a_segment_that_is_missing_in_the_middle_or_at_the_tip_is_noticed(house: House) -> None:
    put = [house.put(b"%d" % turn)[0] for turn in range(5)]
    house.run("DELETE FROM segment WHERE last = ?", put[2])
    assert numbers(house.read()) == put[:2]
    with pytest.raises(errors.RecordsDamaged) as caught:
        house.read(put[1])
    assert caught.value.metadata["after_sequence_number"][:20] == f"{put[1]:020d}"
    house.run("DELETE FROM segment WHERE last = ?", put[4])
    assert numbers(house.read(put[2])) == put[3:4]
    with pytest.raises(errors.RecordsDamaged):
        house.read(put[3])


def test_l4_a_place_inside_a_commit_is_not_taken_for_a_gap(house: House) -> None:
    put = house.put(b"a", b"b", b"c")
    assert [numbers(house.read(number)) for number in put] == [put[1:], put[2:], []]


@pytest.mark.parametrize("column", COLUMNS)
def test_l4_a_change_of_any_column_is_noticed(house: House, column: str) -> None:
    put = [house.put(b"%d" % turn)[0] for turn in range(3)]
    house.run(f"UPDATE segment SET {column} = {column} + 7 WHERE last = ?", put[1])
    assert numbers(house.read()) == put[:1]
    with pytest.raises(errors.RecordsDamaged):
        house.read(put[0])


def test_l4_no_flipped_bit_changes_or_skips_a_record(house: House) -> None:
    put = [house.put(bytes([turn]) * 20, b"x" * turn) for turn in range(1, 4)]
    wanted = decoded(house.read())
    ((key, index, payload),) = house.run("SELECT key, record_index, payload FROM segment WHERE last = ?", put[1][-1])
    dice = random.Random(4)
    for _ in range(200):
        column, whole = dice.choice((("record_index", index), ("payload", payload)))
        bit = dice.randrange(len(whole) * 8)
        bad = bytearray(whole)
        bad[bit // 8] ^= 1 << bit % 8
        house.run(f"UPDATE segment SET {column} = ? WHERE key = ?", bytes(bad), key)
        assert decoded(house.read()) == wanted[:2]
        with pytest.raises(errors.RecordsDamaged):
            house.read(put[0][-1])
        house.run(f"UPDATE segment SET {column} = ? WHERE key = ?", whole, key)
    assert decoded(house.read()) == wanted


def test_l5_a_segment_holds_a_mebibyte_or_one_record(house: House) -> None:
    sizes = [300_000] * 8 + [3 * MIB] + [10] * 3
    house.put(*(bytes(size) for size in sizes))
    rows = house.run("SELECT count, length(payload), previous_last, first FROM segment ORDER BY last")
    assert sum(count for count, *_ in rows) == len(sizes)
    assert all(count == 1 or length <= MIB + 100 * count for count, length, *_ in rows)
    assert len(rows) < len(sizes)
    assert [len(record.data) for record in decoded(house.read())] == sizes


def test_l5_one_shard_has_one_segment_a_commit_for_all_its_callers(house: House) -> None:
    puts = [works.Put("orders", [a_record(b"%d" % turn)], 10) for turn in range(50)]
    house.write(*puts)
    assert house.run("SELECT count(*), sum(count) FROM segment") == [(1, 50)]
    assert [record.data for record in decoded(house.read())] == [b"%d" % turn for turn in range(50)]


def test_a_refused_work_leaves_the_others_of_its_commit_alone(house: House) -> None:
    results = house.write(
        works.Put("orders", [a_record(b"a")], 4),
        works.Put("nobody", [a_record(b"b")], 4),
        works.Delete("nobody"),
        works.Put("orders", [a_record(b"c")], 4),
    )
    kinds = [type(result) for result in results]
    assert kinds == [works.PutDone, errors.StreamNotFound, errors.StreamNotFound, works.PutDone]
    assert [record.data for record in decoded(house.read())] == [b"a", b"c"]


def test_after_a_rollback_nothing_is_remembered_of_it(house: House) -> None:
    house.put(b"a")
    house.connection.exec_driver_sql("BEGIN IMMEDIATE")
    house.store.transact(house.connection, [works.Put("orders", [a_record(b"lost")], 8)])
    house.connection.exec_driver_sql("ROLLBACK")
    house.store.on_rolled_back()
    house.put(b"b")
    assert [record.data for record in decoded(house.read())] == [b"a", b"b"]


def test_after_a_rollback_a_stream_that_was_made_in_it_is_not_there(house: House) -> None:
    house.connection.exec_driver_sql("BEGIN IMMEDIATE")
    put = works.Put("later", [a_record(b"lost")], 8)
    house.store.transact(house.connection, [works.Create(StreamSpec(name="later"), ""), put])
    house.connection.exec_driver_sql("ROLLBACK")
    house.store.on_rolled_back()
    assert [type(result) for result in house.write(put)] == [errors.StreamNotFound]


def test_l2_a_segment_in_memory_that_the_snapshot_does_not_have_is_not_answered(house: House) -> None:
    put = house.put(b"a")
    house.connection.exec_driver_sql("BEGIN IMMEDIATE")
    (done,) = house.store.transact(house.connection, [works.Put("orders", [a_record(b"later")], 8)])
    house.connection.exec_driver_sql("ROLLBACK")
    assert isinstance(done, works.PutDone)
    cache = segment_cache.SegmentCache()
    for each in done.commit.segments:
        assert isinstance(each, segment.Segment)
        cache.add(each)
    place = reading.Place(stream_name="orders", stream_id="", shard_index=0, after=put[-1])
    found = sql_log.read(
        house.connection, cache, sql_catalog.find_stream(house.connection, "orders"), place, reading.Bounds()
    )
    assert numbers(found) == []
