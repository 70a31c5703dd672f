"""Two services' storages on one PostgreSQL database: what one does, the other cannot undo, miss or repeat."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from chassis.database import postgres
from chassis.errors import OutcomeUnknown, StorageFull, Unavailable
from stream_service.core import errors, resharding, works
from stream_service.core.stream import StreamSpec
from stream_service.storage import sql_locks, sql_store
from tests.support import postgres_server, stream_records
from tests.support.clock import FakeClock
from tests.support.stream_records import World, a_record, numbers

pytestmark = pytest.mark.asyncio
DAY_SECONDS = 86_400
HALF = 2**127


@pytest.fixture
def url() -> Iterator[str]:
    """An empty database."""
    with postgres_server.a_database() as made:
        yield made


@pytest_asyncio.fixture
async def worlds(url: str) -> AsyncIterator[tuple[World, World]]:
    """Two storages on it, under one clock."""
    async with contextlib.AsyncExitStack() as stack:
        clock = FakeClock()
        first = await stack.enter_async_context(stream_records.on_postgres(url, clock))
        yield first, await stack.enter_async_context(stream_records.on_postgres(url, clock))


def run(url: str, *statements: str) -> list[Any]:
    """Statements as superuser; the rows of the last."""
    database = sa.make_url(url).database
    assert database is not None
    return [postgres_server.server().run(each, database=database) for each in statements][-1]


def on_commit(url: str, body: str, *, table: str = "segment") -> None:
    """Have the server do this in PL/pgSQL at each COMMIT that inserted into a table, before it is done."""
    run(
        url,
        "CREATE SEQUENCE times",
        f"CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$",
        f"CREATE CONSTRAINT TRIGGER act AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION act()",
    )


async def waits_for_a_lock(url: str) -> None:
    """Return when a connection waits for another one."""
    text = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%shard%'"
    async with asyncio.timeout(20):
        for _ in itertools.takewhile(lambda _: not run(url, text), itertools.count()):
            await asyncio.sleep(0)


async def put_at_once(worlds: tuple[World, World], *puts: works.Put) -> list[Any]:
    """What became of each put's first record."""
    done = await asyncio.gather(*[world.records.write(put) for world, put in zip(worlds, puts, strict=True)])
    return [each.answers[0] for each in done if isinstance(each, works.PutDone)]


async def outcomes(*calls: Any) -> list[object]:
    """Run at the same time; what each answered or raised."""
    return list(await asyncio.gather(*calls, return_exceptions=True))


async def test_l1_two_storages_put_to_one_shard_in_turns(worlds: tuple[World, World]) -> None:
    await worlds[0].create()
    given = []
    for turn in range(20):
        given += await worlds[turn % 2].put(b"%d" % turn)
    assert given == sorted(set(given))
    assert [int(each) for each in await worlds[0].data()] == list(range(20))
    found = await worlds[1].read()
    assert numbers(found) == given
    assert found.shard.next_index == 20


async def test_l1_puts_at_the_same_time_lose_nothing_and_give_no_number_twice(worlds: tuple[World, World]) -> None:
    await worlds[0].create(shards=3)

    async def putting(world: World, mark: bytes) -> list[int]:
        given = []
        for turn in range(40):
            given += await world.put(mark + b"%d" % turn, key=str(turn % 7))
        return given

    await asyncio.gather(putting(worlds[0], b"a"), putting(worlds[1], b"b"))
    for world in worlds:
        stored = [each for index in range(3) for each in await world.data(index=index)]
        assert sorted(stored) == sorted(mark + b"%d" % turn for mark in (b"a", b"b") for turn in range(40))


async def test_l1_a_put_follows_a_split_that_another_service_made(worlds: tuple[World, World]) -> None:
    await worlds[0].create()
    await worlds[1].put(b"before")  # remembers the shard
    await worlds[0].reshard(resharding.Split(0, HALF))
    (number,) = await worlds[1].put(b"after")
    parent, low, high = await worlds[0].shards()
    child = low if low.last == number else high
    assert child.last == number > child.floor >= parent.last
    assert await worlds[0].data(index=child.index) == [b"after"]
    assert await worlds[0].data() == [b"before"]


async def test_l3_a_child_begins_after_a_put_that_was_under_way_when_its_parent_was_split(
    url: str, worlds: tuple[World, World]
) -> None:
    await worlds[0].create()
    other, clock = postgres.open_database(url, readers=1), worlds[0].clock
    try:
        store = sql_store.SqlStore(lambda: clock.unix_millis() + 60_000, locks=sql_locks.ManyWriters())
        record = a_record(b"under way")
        (done,) = store.transact(other.session().begin(), [works.Put("orders", [record], record[3])])
        splitting = asyncio.create_task(worlds[0].reshard(resharding.Split(0, HALF)))
        await waits_for_a_lock(url)
        other.session().commit()
    finally:
        other.close()
    outcome = (await splitting).outcome
    assert isinstance(done, works.PutDone)
    (last,) = done.commit.heads.values()
    assert [each.last for each in outcome.closed] == [last]
    assert all(each.floor >= last for each in outcome.created)
    assert await worlds[1].data() == [b"under way"]


async def test_a_put_finds_what_another_service_deleted_and_made_again(worlds: tuple[World, World]) -> None:
    await worlds[0].create()
    (before,) = await worlds[1].put(b"old")
    await worlds[0].delete()
    with pytest.raises(errors.StreamNotFound):
        await worlds[1].put(b"lost")
    made = await worlds[0].create()
    (after,) = await worlds[1].put(b"new")
    assert after > before
    assert (await worlds[1].records.find_stream("orders")).stream_id == made.stream_id
    assert await worlds[0].data() == [b"new"]


async def test_settings_that_another_service_changed_count_at_once(worlds: tuple[World, World]) -> None:
    await worlds[0].create()
    large = b"x" * (1 << 20)
    refused = (await worlds[1].put_all([a_record(large)])).answers
    assert isinstance(refused[0], errors.RecordTooLarge)
    await worlds[0].update(record_bytes_max=2 << 20)
    assert await worlds[1].put(large)


async def test_a_name_is_taken_once_by_two_services_at_the_same_time(worlds: tuple[World, World]) -> None:
    for turn in range(10):
        name = f"stream-{turn}"
        made = await outcomes(*[world.create(name) for world in worlds for _ in range(2)])
        assert [type(each).__name__ for each in made].count("Stream") == 1
        assert [type(each).__name__ for each in made].count("StreamAlreadyExists") == 3


async def test_a_request_id_counts_once_for_two_services_at_the_same_time(worlds: tuple[World, World]) -> None:
    for turn in range(10):
        work = works.Create(StreamSpec(name=f"stream-{turn}"), f"id-{turn}")
        made = await outcomes(*[world.records.write(work) for world in worlds])
        assert made[0] == made[1]


async def test_a_shard_is_split_once_by_two_services_at_the_same_time(worlds: tuple[World, World]) -> None:
    await worlds[0].create()
    index = 0
    for _ in range(6):
        change = resharding.Split(index, (await worlds[0].shards())[index].starting_hash_key + 2**100)
        done = await outcomes(*[world.reshard(change) for world in worlds])
        assert [type(each).__name__ for each in done].count("Resharded") == 1
        shards = [each for each in await worlds[1].shards() if each.is_open]
        ranges = sorted((each.starting_hash_key, each.ending_hash_key) for each in shards)
        assert ranges[0][0] == 0
        assert ranges[-1][1] == 2**128 - 1
        assert all(low[1] + 1 == high[0] for low, high in itertools.pairwise(ranges))
        index = max(each.index for each in shards)


async def test_an_etag_is_good_for_one_of_two_services(worlds: tuple[World, World]) -> None:
    etag = (await worlds[0].create()).etag
    hours = [48, 72]
    done = await outcomes(
        *[world.update(etag=etag, retention_seconds=each * 3600) for world, each in zip(worlds, hours, strict=True)]
    )
    assert sorted(type(each).__name__ for each in done) == ["EtagMismatch", "Stream"]


async def test_l6_a_pair_that_two_services_get_at_the_same_time_is_stored_once(worlds: tuple[World, World]) -> None:
    await worlds[0].create(shards=4)
    for number in range(1, 31):
        record = a_record(b"%d" % number, key=f"key-{number}")
        put = works.Put("orders", [record], record[3], producers=[(b"p" * 16, number)])
        first, second = await put_at_once(worlds, put, put)
        assert first == second
    stored = [each for index in range(4) for each in await worlds[0].data(index=index)]
    assert sorted(map(int, stored)) == list(range(1, 31))


async def test_l6_of_two_records_with_one_pair_at_the_same_time_one_is_refused(worlds: tuple[World, World]) -> None:
    await worlds[0].create(shards=4)
    for number in range(1, 31):
        puts = []
        for name in ("left", "right"):  # two keys, so that they go to two shards
            record = a_record(name.encode(), key=f"{name}-{number}")
            puts.append(works.Put("orders", [record], record[3], producers=[(b"p" * 16, number)]))
        answers = await put_at_once(worlds, *puts)
        assert sorted(type(each).__name__ for each in answers) == ["ProducerSequenceReused", "tuple"]


async def test_l6_a_pair_is_known_to_the_other_service_after_a_split(worlds: tuple[World, World]) -> None:
    await worlds[0].create()
    record = a_record(b"once")
    put = works.Put("orders", [record], record[3], producers=[(b"p" * 16, 1)])
    first = await worlds[0].records.write(put)
    await worlds[1].reshard(resharding.Split(0, HALF))
    again = await worlds[1].records.write(put)
    assert isinstance(first, works.PutDone)
    assert isinstance(again, works.PutDone)
    assert again.answers == first.answers
    assert await worlds[0].data() == [b"once"]


async def test_c2_two_trimmers_move_a_horizon_no_faster_than_one(worlds: tuple[World, World]) -> None:
    await worlds[0].create()
    for world in worlds:
        await world.trim(0)
    before = (await worlds[0].records.find_stream("orders")).horizon_millis
    worlds[0].clock.advance(30 * DAY_SECONDS)
    for world in worlds:
        await world.trim(60)
    assert (await worlds[0].records.find_stream("orders")).horizon_millis == before + 120_000


async def test_trimmers_and_puts_at_the_same_time_leave_the_log_whole(worlds: tuple[World, World]) -> None:
    await worlds[0].create(shards=4)
    for turn in range(40):
        await worlds[turn % 2].put(b"old", key=str(turn))
    worlds[0].clock.advance(2 * DAY_SECONDS)

    async def trimming(world: World) -> int:
        trimmed = 0
        for _ in range(10):
            trimmed += (await world.trim(2 * DAY_SECONDS)).segments
        return trimmed

    async def putting(world: World) -> None:
        for turn in range(40):
            await world.put(b"new", key=str(turn))

    trimming_all = asyncio.gather(*map(trimming, worlds))
    await asyncio.gather(*map(putting, worlds))
    trimmed, also = await trimming_all
    stored = [each for index in range(4) for each in await worlds[0].data(index=index)]
    assert trimmed + also == 40
    assert stored == [b"new"] * 80
    shards = await worlds[0].shards()
    kept = bytes_kept(worlds[0])
    assert {each.key: each.stored_bytes for each in shards} == kept


def bytes_kept(world: World) -> dict[int, int]:
    """Bytes of the segments of each shard, counted."""
    assert world.database is not None
    text = "SELECT shard_key, sum(length(payload)) FROM segment GROUP BY shard_key"
    with world.database.reading() as connection:
        return {row[0]: int(row[1]) for row in connection.exec_driver_sql(text)}


async def test_a_commit_that_is_cut_off_is_unknown_and_the_next_put_is_stored(
    url: str, worlds: tuple[World, World]
) -> None:
    await worlds[0].create()
    body = "IF nextval('times') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;"
    on_commit(url, body)
    with pytest.raises(OutcomeUnknown):
        await worlds[0].put(b"unknown")
    await worlds[0].put(b"stored")
    assert await worlds[1].data() == [b"stored"]


async def test_a_connection_that_is_lost_within_a_transaction_writes_nothing(
    url: str, worlds: tuple[World, World]
) -> None:
    await worlds[0].create()
    run(
        url,
        "CREATE SEQUENCE times",
        "CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF nextval('times') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NULL; END $$",
        "CREATE TRIGGER act AFTER INSERT ON segment FOR EACH ROW EXECUTE FUNCTION act()",
    )
    with pytest.raises(Unavailable, match="the database cannot be reached"):
        await worlds[0].put(b"refused")
    await worlds[0].put(b"stored")
    assert await worlds[1].data() == [b"stored"]


async def test_idle_connections_that_the_server_closed_are_replaced_unseen(
    url: str, worlds: tuple[World, World]
) -> None:
    await worlds[0].create()
    await worlds[0].data()
    run(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL",
    )
    await worlds[0].put(b"stored")
    assert await worlds[0].data() == [b"stored"]


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
async def test_a_transaction_that_the_server_gave_up_runs_again(
    url: str, worlds: tuple[World, World], sqlstate: str
) -> None:
    await worlds[0].create()
    on_commit(url, f"IF nextval('times') < 3 THEN RAISE EXCEPTION USING ERRCODE = '{sqlstate}'; END IF;")
    await worlds[0].put(b"stored")
    assert await worlds[0].data() == [b"stored"]
    assert run(url, "SELECT last_value FROM times") == [(3,)]


async def test_l8_a_full_disk_of_the_server_is_a_refusal(url: str, worlds: tuple[World, World]) -> None:
    await worlds[0].create()
    on_commit(url, "IF nextval('times') = 1 THEN RAISE EXCEPTION USING ERRCODE = '53100'; END IF;")
    with pytest.raises(StorageFull):
        await worlds[0].put(b"refused")
    await worlds[0].put(b"stored")
    assert await worlds[0].data() == [b"stored"]


async def test_a_shard_that_somebody_holds_too_long_refuses_puts_and_nothing_else(
    url: str, worlds: tuple[World, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await worlds[0].create()
    await worlds[0].create("others")
    assert worlds[0].database is not None
    worlds[0].database.writer_connection().exec_driver_sql("SET lock_timeout = '100ms'")
    holder = postgres.open_database(url, readers=1)
    try:
        connection = holder.session().begin()
        text = "SELECT key FROM shard WHERE stream_key = ? FOR UPDATE"
        connection.exec_driver_sql(text, (held.key,)).close()
        with pytest.raises(Unavailable, match="another process keeps the database locked"):
            await worlds[0].put(b"refused")
        await worlds[0].put(b"stored", name="others")
        holder.session().roll_back()
        await worlds[0].put(b"stored")
        assert await worlds[0].data() == [b"stored"]
    finally:
        holder.close()
