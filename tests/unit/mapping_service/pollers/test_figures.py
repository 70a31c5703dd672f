"""What is told of the mappings of a process, in numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from chassis.metrics import Distribution
from mapping_service import metrics
from mapping_service.core.answer import Answer, CallFailed
from mapping_service.core.names import first_number_at
from mapping_service.core.ports import Call
from tests.support.fake_streams import START_MILLIS
from tests.support.poller_world import PollerWorld

pytestmark = pytest.mark.asyncio

NUMBER = first_number_at(START_MILLIS)


@pytest_asyncio.fixture
async def mill() -> AsyncIterator[PollerWorld]:
    """A running service with the stream orders of two shards and a mapping."""
    made = PollerWorld()
    made.streams.create("orders", 2)
    await made.begin()
    await made.map()
    yield made
    made.handlers.handle = None
    await made.stop()


async def away(call: Call) -> Answer:
    """A handler that is not there."""
    return CallFailed(code="UNAVAILABLE", message="away", began_ready=False)


def told(mill: PollerWorld) -> dict[str, dict[tuple[str, ...], object]]:
    """All values by name and labels."""
    families = metrics.of_mappings(mill.supervisor.figures())
    return {family.metric.name: {each.labels: each.value for each in family.samples} for family in families}


async def test_a_mapping_that_delivered_everything_has_no_age_and_its_counts(mill: PollerWorld) -> None:
    mill.streams.put("orders", NUMBER, NUMBER + 1)
    await mill.quiet()

    values = told(mill)
    assert values["millrace_mapping_records_delivered"] == {("m-1",): 2}
    assert values["millrace_mapping_invocations"][("m-1", "succeeded")] == 1
    assert values["millrace_mapping_iterator_age_seconds"] == {("m-1",): 0.0}
    assert values["millrace_mapping_info"] == {("m-1", "orders", "bill", "ENABLED"): 1}
    invokes = values["millrace_mapping_invoke_duration_seconds"][("m-1",)]
    assert isinstance(invokes, Distribution)
    assert sum(invokes.counts) == 1
    assert values["millrace_shards"][("POLLING",)] == 2


async def test_the_age_rises_while_a_handler_is_away(mill: PollerWorld) -> None:
    mill.handlers.handle = away
    mill.streams.put("orders", NUMBER)
    await mill.quiet()
    begin = mill.clock.monotonic()
    ages = []
    for _ in range(3):
        await mill.pass_time(10)
        ages.append(told(mill)["millrace_mapping_iterator_age_seconds"][("m-1",)])

    assert ages == [begin + 10.0, begin + 20.0, begin + 30.0]
    assert told(mill)["millrace_shards"][("BACKING_OFF",)] == 1


async def test_counts_go_on_when_pollers_are_replaced_and_the_age_is_not_invented(mill: PollerWorld) -> None:
    mill.streams.put("orders", NUMBER)
    await mill.quiet()
    runner = mill.supervisor.runner("m-1")
    assert runner is not None
    for poller in runner.pollers:
        poller.request_stop()
    await mill.quiet()
    without_pollers = told(mill)
    runner.kick()
    await mill.quiet()
    mill.streams.put("orders", NUMBER + 1)
    await mill.quiet()

    assert without_pollers["millrace_mapping_iterator_age_seconds"] == {}
    assert without_pollers["millrace_mapping_records_delivered"] == {("m-1",): 1}
    assert told(mill)["millrace_mapping_records_delivered"] == {("m-1",): 2}


async def test_the_series_of_a_deleted_mapping_are_gone(mill: PollerWorld) -> None:
    await mill.mappings.delete("m-1", etag=None)
    await mill.quiet()

    values = told(mill)
    assert {name for name, samples in values.items() if samples} == {"millrace_shards"}


async def test_every_family_is_listed_with_its_help(mill: PollerWorld) -> None:
    of_mappings = metrics.of_mappings(mill.supervisor.figures())
    present = metrics.present(poller_bytes=0, is_connected=True)

    assert {family.metric for family in (*of_mappings, *present)} <= set(metrics.METRICS)
