"""Iterators, peeking and page tokens on storage in memory, against plain lists."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_service.core import errors, iterator, listing, reading, router, sequence, shard
from stream_service.core.listing import FilterType, ShardFilter
from stream_service.core.peeking import Peek
from stream_service.core.record import new_record
from stream_service.core.resharding import Split
from stream_service.core.starting import IteratorType, Start
from stream_service.core.works import Put
from tests.support import scale, stream_records
from tests.support.stream_house import StreamHouse

EXAMPLES = scale.choose(small=30, full=400)
pauses = st.lists(st.integers(0, 3_000), min_size=1, max_size=25)
VECTORS = {
    "a": (16955237001963240173058271559858726497, 0),
    "b": (195289424170611159128911017612795795343, 1),
    "c": (99079589977253916124855502156832923443, 0),
    "d": (173422077530204247440288476180261147053, 1),
    "e": (299611584147932843547128611849858313266, 2),
    "f": (190917122200326810055233066464581373159, 1),
}


def test_the_keys_that_kinesis_routed_go_to_the_same_shards() -> None:
    ranges = shard.uniform_ranges(3)
    assert [high for _, high in ranges] == [
        113427455640312821154458202477256070484,
        226854911280625642308916404954512140969,
        340282366920938463463374607431768211455,
    ]
    for key, (hash_key, index) in VECTORS.items():
        assert router.hash_key_of(key) == hash_key
        assert ranges[index][0] <= hash_key <= ranges[index][1]


@dataclass(frozen=True)
class Stored:
    """A record as it has to be."""

    number: int
    millis: int
    index: int
    data: bytes


async def filled(house: StreamHouse, waits: Sequence[int], shards: int = 1) -> list[Stored]:
    """Records with pauses of milliseconds before them, in the order of their arrival."""
    await house.world.create(shards=shards)
    stored = []
    for place, pause in enumerate(waits):
        house.world.clock.advance(pause / 1000)
        data, key = str(place).encode(), f"key-{place}"
        done = await house.world.records.write(Put("orders", [new_record(key, data, router.hash_key_of(key))], 10))
        answer = done.answers[0]  # type: ignore[attr-defined]
        number, index = sequence.parse(answer[1]) or (0, 0)
        stored.append(Stored(number, sequence.millis_of(number), index, data))
    return stored


async def read_all(house: StreamHouse, start: Start, limit: int) -> list[bytes]:
    """Everything from a start on, so many records at a time."""
    text, position = await house.service.shard_iterator(start)
    assert len(position) == sequence.DIGITS
    found: list[bytes] = []
    while True:
        place = house.service.place_of_iterator(text)
        page = await house.service.get_records(
            place, reading.Bounds(limit=limit), max_wait_seconds=0, with_iterator=True
        )
        if not page.found.slices:
            return found
        taken = [each.data for each in stream_records.decoded(page.found)]
        assert len(taken) <= limit
        found += taken
        text = page.next_iterator


@settings(max_examples=EXAMPLES, deadline=None)
@given(pauses, st.integers(0, 30), st.integers(-1, 1), st.integers(1, 7))
def test_all_five_iterator_types_begin_where_they_say(waits: list[int], chosen: int, offset: int, limit: int) -> None:
    async def run() -> None:
        house = StreamHouse(stream_records.in_memory())
        stored = await filled(house, waits)
        one = stored[chosen % len(stored)]
        text = sequence.text_of(one.number, 0)
        millis = min(one.millis + offset, house.world.clock.unix_millis())
        cases = [
            (IteratorType.TRIM_HORIZON, {}, stored),
            (IteratorType.LATEST, {}, []),
            (IteratorType.AT_SEQUENCE_NUMBER, {"sequence_number": text}, [e for e in stored if e.number >= one.number]),
            (
                IteratorType.AFTER_SEQUENCE_NUMBER,
                {"sequence_number": text},
                [e for e in stored if e.number > one.number],
            ),
            (IteratorType.AT_TIMESTAMP, {"unix_millis": millis}, [e for e in stored if e.millis >= millis]),
        ]
        for kind, more, expected in cases:
            start = Start(stream_name="orders", shard_id=shard.shard_id(0), type=kind, **more)  # type: ignore[arg-type]
            assert await read_all(house, start, limit) == [each.data for each in expected], kind

    asyncio.run(run())


@settings(max_examples=EXAMPLES, deadline=None)
@given(pauses, st.integers(1, 4), st.integers(1, 30), st.integers(0, 30), st.integers(-1, 1))
def test_peeking_shows_what_a_sorted_list_would(
    waits: list[int], shards: int, limit: int, chosen: int, offset: int
) -> None:
    async def run() -> None:
        house = StreamHouse(stream_records.in_memory())
        stored = sorted(await filled(house, waits, shards), key=lambda each: (each.number, each.index))
        one = stored[chosen % len(stored)]
        of_shard = [each for each in stored if each.index == one.index]

        async def shown(**wanted: int) -> list[int]:
            index = wanted.pop("shard_index", None)
            pieces = await house.service.peeks.peek(
                Peek(stream_name="orders", shard_index=index, limit=limit, **wanted)
            )
            return [each.number for each in pieces]

        assert await shown() == [each.number for each in stored][-limit:]
        assert await shown(shard_index=one.index) == [each.number for each in of_shard][-limit:]
        millis = one.millis + offset
        assert await shown(from_millis=millis) == [e.number for e in stored if e.millis >= millis][:limit]
        assert (
            await shown(shard_index=one.index, from_number=one.number)
            == [each.number for each in of_shard if each.number >= one.number][:limit]
        )

    asyncio.run(run())


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(1, 12), st.integers(1, 13), st.lists(st.integers(0, 11), max_size=4), st.data())
def test_pages_of_shards_together_are_the_whole_list(
    count: int, page_size: int, splits: list[int], data: st.DataObject
) -> None:
    async def run() -> None:
        house = StreamHouse(stream_records.in_memory())
        await house.world.create(shards=count)
        for chance in splits:
            house.world.clock.advance(1)
            opened = [each for each in await house.world.shards() if each.is_open]
            parent = opened[chance % len(opened)]
            middle = (parent.starting_hash_key + parent.ending_hash_key) // 2
            await house.world.reshard(Split(parent.index, middle))
        kind = data.draw(st.sampled_from([*FilterType, None]))
        wanted = _filter(kind, house.world.clock.unix_millis() - 1_000)
        stream, shards = await house.world.records.shards("orders")
        pages = [[each.index for each in page] for page in await _pages(house, page_size, wanted)]
        assert list(itertools.chain(*pages)) == [each.index for each in listing.select(stream, shards, wanted)]
        assert all(len(each) == page_size for each in pages[:-1])

    asyncio.run(run())


def _filter(kind: FilterType | None, millis: int) -> ShardFilter | None:
    is_timed = kind in (FilterType.AT_TIMESTAMP, FilterType.FROM_TIMESTAMP)
    return kind and ShardFilter(
        type=kind,
        shard_index=2 if kind is FilterType.AFTER_SHARD_ID else None,
        unix_millis=millis if is_timed else None,
    )


async def _pages(house: StreamHouse, size: int, wanted: ShardFilter | None) -> list[Sequence[shard.Shard]]:
    pages, token = [], ""
    while True:
        page = await house.service.shards.list("orders", page_size=size, page_token=token, shard_filter=wanted)
        pages.append(page.shards)
        token = page.next_page_token
        if not token:
            return pages


async def _tokens(house: StreamHouse) -> dict[str, str]:
    """A page token of every list, an iterator, and the name of what each belongs to."""
    made = {"streams": (await house.service.list_streams(1, ""))[1]}
    for name in ("orders", "bills"):
        for kind in (None, FilterType.AT_LATEST, FilterType.FROM_TRIM_HORIZON):
            page = await house.service.shards.list(name, page_size=1, page_token="", shard_filter=_filter(kind, 0))
            made[f"shards {name} {kind}"] = page.next_page_token
        for consumer in ("c1", "c2"):
            await house.service.consumers.register(name, consumer, "")
        made[f"consumers {name}"] = (await house.service.consumers.list(name, 1, ""))[1]
        start = Start(stream_name=name, shard_id=shard.shard_id(0), type=IteratorType.LATEST)
        made[f"iterator {name}"] = (await house.service.shard_iterator(start))[0]
    return made


async def _use(house: StreamHouse, what: str, token: str) -> None:
    kind, *rest = what.split(" ")
    if kind == "streams":
        await house.service.list_streams(1, token)
    elif kind == "shards":
        wanted = _filter(None if rest[1] == "None" else FilterType(rest[1]), 0)
        await house.service.shards.list(rest[0], page_size=1, page_token=token, shard_filter=wanted)
    elif kind == "consumers":
        await house.service.consumers.list(rest[0], 1, token)
    else:
        house.service.place_of_iterator(token)


def test_a_token_is_good_for_what_it_was_made_for_and_for_nothing_else() -> None:
    async def run() -> None:
        house = StreamHouse(stream_records.in_memory())
        for name in ("orders", "bills"):
            await house.world.create(name, shards=3)
        tokens = await _tokens(house)
        assert all(tokens.values())
        for (what, _), (other, token) in itertools.product(tokens.items(), tokens.items()):
            if what == other or (what.startswith("iterator") and other.startswith("iterator")):
                await _use(house, what, token)
                continue
            with pytest.raises((errors.InvalidPageToken, errors.InvalidShardIterator)):
                await _use(house, what, token)
        house.world.clock.advance(iterator.MAX_AGE_MILLIS / 1000 + 1)
        for what, token in tokens.items():
            with pytest.raises((errors.InvalidPageToken, errors.ShardIteratorExpired)):
                await _use(house, what, token)

    asyncio.run(run())


characters = st.characters(exclude_characters='"')


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 10_000), st.lists(characters, min_size=2, max_size=2, unique=True))
def test_a_token_with_another_character_missing_one_or_one_more_is_refused(chosen: int, others: list[str]) -> None:
    async def run() -> None:
        house = StreamHouse(stream_records.in_memory())
        for name in ("orders", "bills"):
            await house.world.create(name, shards=3)
        for what, token in (await _tokens(house)).items():
            place = chosen % len(token)
            other = next(each for each in others if each != token[place])
            for edited in (
                token[:place] + other + token[place + 1 :],
                token[:place] + token[place + 1 :],
                token[:place] + other + token[place:],
            ):
                with pytest.raises((errors.InvalidPageToken, errors.InvalidShardIterator)):
                    await _use(house, what, edited)

    asyncio.run(run())


def test_a_token_of_a_stream_that_was_made_anew_is_refused() -> None:
    async def run() -> None:
        house = StreamHouse(stream_records.in_memory())
        for name in ("orders", "bills"):
            await house.world.create(name, shards=3)
        tokens = await _tokens(house)
        await house.world.delete("orders")
        await house.world.create("orders", shards=3)
        for what in ("shards orders None", "consumers orders"):
            with pytest.raises(errors.InvalidPageToken):
                await _use(house, what, tokens[what])
        place = house.service.place_of_iterator(tokens["iterator orders"])
        with pytest.raises(errors.StreamNotFound):
            await house.service.get_records(place, reading.Bounds(), max_wait_seconds=0, with_iterator=True)

    asyncio.run(run())
