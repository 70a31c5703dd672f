"""The admin port over real HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from chassis.metrics import Family, Kind, Metric, single
from chassis.process import addresses, admin, drain
from tests.support import scrape

GRAIN = Metric(name="mill_grain", kind=Kind.GAUGE, help="Grain.")


@asynccontextmanager
async def an_admin(*values: float) -> AsyncIterator[str]:
    told: Iterator[float] = iter(values)

    def source() -> list[Family]:
        return [single(GRAIN, next(told))]

    ending = drain.Drain(timeout_seconds=1)
    try:
        yield await admin.serve("127.0.0.1:0", ending, [source])
    finally:
        ending.request()
        assert await ending.run() == 0


@pytest.mark.asyncio
async def test_metrics_are_answered_as_they_are_at_the_moment() -> None:
    async with an_admin(1, 2) as address:
        first = await scrape.scrape(address)
        second = await scrape.scrape(address)

    assert (first["mill_grain"], second["mill_grain"]) == ({(): 1.0}, {(): 2.0})


@pytest.mark.asyncio
async def test_the_format_is_the_one_that_was_accepted() -> None:
    async with an_admin(1, 2) as address:
        _, _, plain = await scrape.request(address, "GET", "/metrics?x=1")
        _, text, modern = await scrape.request(address, "GET", "/metrics", accept="application/openmetrics-text")

    assert plain.startswith("text/plain")
    assert modern.startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")


@pytest.mark.asyncio
async def test_nothing_else_is_there_and_nothing_can_be_changed() -> None:
    async with an_admin(1) as address:
        head = await scrape.request(address, "HEAD", "/metrics")
        root = await scrape.request(address, "GET", "/")
        other = await scrape.request(address, "GET", "/metrics/../debug")
        post = await scrape.request(address, "POST", "/metrics")

    assert (head[0], head[1]) == (200, "")
    assert (root[0], other[0], post[0]) == (404, 404, 405)


@pytest.mark.parametrize(
    "sent", [b"x" * 20_000, b"GET /metrics HTTP/1.1\r\n" + b"a: b\r\n" * 5_000, b"\x16\x03\x01\r\n\r\n"]
)
@pytest.mark.asyncio
async def test_what_is_no_small_request_is_dropped_and_the_next_one_answered(sent: bytes) -> None:
    async with an_admin(1) as address:
        host, port = addresses.parse(address)
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(sent)
        try:
            answer = await asyncio.wait_for(reader.read(), 20)
        except ConnectionResetError:
            answer = b""
        writer.close()
        after = await scrape.scrape(address)

    assert not answer.startswith(b"HTTP/1.1 200")
    assert after["mill_grain"] == {(): 1.0}


@pytest.mark.asyncio
async def test_connections_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "CONNECTIONS_MAX", 1)
    async with an_admin(1) as address:
        host, port = addresses.parse(address)
        _, silent = await asyncio.open_connection(host, port)
        turned_away = asyncio.open_connection(host, port)
        reader, second = await turned_away
        assert await asyncio.wait_for(reader.read(), 20) == b""
        silent.close()
        second.close()


@pytest.mark.asyncio
async def test_a_silent_client_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "REQUEST_SECONDS_MAX", 0.05)
    async with an_admin() as address:
        host, port = addresses.parse(address)
        reader, writer = await asyncio.open_connection(host, port)
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()


@pytest.mark.asyncio
async def test_an_address_that_is_taken_is_refused() -> None:
    async with an_admin() as address:
        with pytest.raises(addresses.AddressRefused, match=f"cannot listen on {address}"):
            await admin.serve(address, drain.Drain(timeout_seconds=1), [])


def test_the_address_is_found_in_a_log() -> None:
    lines = ["not json", json.dumps({"event": "admin_listens", "address": "127.0.0.1:1"})]

    assert scrape.admin_address(lines) == "127.0.0.1:1"
