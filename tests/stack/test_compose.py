"""The stack of compose.yaml as a user has it: real containers, records from outside, restarts and kills."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from millrace_cli.demo.tally import Delivery, Sent, tally
from millrace_sdk import Producer

from tests.support import command, compose, looking, mill

REASON = compose.why_not()
STREAM = "earthquakes"
SEEDED = 1_707
KEYS = 16
PUTS_A_SECOND = 100

pytestmark = [pytest.mark.skipif(REASON is not None, reason=REASON or ""), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def stack() -> Iterator[compose.Stack]:
    started = compose.Stack()
    try:
        started.up()
        yield started
    finally:
        started.down("--volumes")
        assert started.left() == []


class Load:
    """Puts numbered records from outside at a steady pace, and keeps what was acknowledged."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.sent: dict[str, Sent] = {}

    async def run(self) -> None:
        async with Producer(self._address) as producer, asyncio.TaskGroup() as puts:
            for index in range(10**9):
                puts.create_task(self._put(producer, index))
                await mill.a_moment(1 / PUTS_A_SECOND)

    async def _put(self, producer: Producer, index: int) -> None:
        key = f"key-{index % KEYS}"
        data = json.dumps({"magnitude": index % 10, "place": "a test"}).encode()
        # A put that was begun is seen through: its record may be on disk already.
        result = await asyncio.shield(asyncio.ensure_future(producer.put(STREAM, data, key)))
        self.sent[result.sequence_number] = Sent(network=key, index=index, at=time.monotonic())


class Calls:
    """The handler's own journal."""

    def __init__(self, text: str) -> None:
        self.deliveries: list[Delivery] = []
        self.handled: set[str] = set()
        for line in text.splitlines():
            call = json.loads(line)
            numbers = [number for number, _key in call["records"]]
            if call["call"] == "end":
                self.handled.update(numbers)
            else:
                self.deliveries += [Delivery(number, call["at"]) for number in numbers]


def calls(stack: compose.Stack) -> Calls:
    return Calls(stack.in_container("handler", "cat", "/data/journal.jsonl"))


async def until_handled(stack: compose.Stack, load: Load, *, more: int) -> None:
    """Until all that was acknowledged by now was handled, and some that came later."""
    before = set(load.sent)

    def are_handled() -> bool:
        try:
            handled = calls(stack).handled
        except AssertionError:  # The container may be about to start.
            return False
        return before <= handled and len(handled & set(load.sent)) >= len(before) + more

    def problem() -> str:
        return f"of {len(before)} acknowledged records, and {len(load.sent)} by now, some are not handled"

    await asyncio.to_thread(looking.until, are_handled, problem)


@contextlib.asynccontextmanager
async def loaded(stack: compose.Stack) -> AsyncIterator[Load]:
    load = Load(stack.addresses["stream"])
    running = asyncio.ensure_future(load.run())
    try:
        yield load
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def killed_and_started(service: str) -> Callable[[compose.Stack], None]:
    def fault(stack: compose.Stack) -> None:
        stack.docker("kill", service)
        stack.compose("up", "--detach", "--no-deps", service)

    return fault


def restarted(service: str) -> Callable[[compose.Stack], None]:
    def fault(stack: compose.Stack) -> None:
        stack.compose("restart", service)

    return fault


def down_and_up(stack: compose.Stack) -> None:
    stack.down()
    stack.up()


def test_the_job_fills_the_stack_once_and_finds_the_services_by_name(stack: compose.Stack) -> None:
    looking.until(lambda: len(calls(stack).handled) >= SEEDED, lambda: "every event handled")

    again = stack.compose("run", "--rm", "-T", "seed")

    assert len(calls(stack).handled) == SEEDED
    assert "nothing was put" in again


@pytest.mark.asyncio
async def test_no_record_is_lost_or_out_of_order_through_restarts_and_kills(stack: compose.Stack) -> None:
    services = ("stream-service", "mapping-service", "handler")
    faults = [*map(restarted, services), *map(killed_and_started, services), down_and_up]

    async with loaded(stack) as load:
        await until_handled(stack, load, more=PUTS_A_SECOND)
        for fault in faults:
            await asyncio.to_thread(fault, stack)
            await until_handled(stack, load, more=PUTS_A_SECOND)
    await until_handled(stack, load, more=0)

    found = calls(stack)
    counted = tally(load.sent, found.deliveries, None)
    assert load.sent.keys() <= found.handled
    assert (counted.records_lost, counted.out_of_order) == (0, 0)
    assert counted.records_put >= PUTS_A_SECOND * (len(faults) + 1)


@pytest.mark.parametrize("service", ["stream-service", "mapping-service", "handler"])
def test_a_container_may_do_little(stack: compose.Stack, service: str) -> None:
    status = dict(
        line.split(":", 1) for line in stack.in_container(service, "cat", "/proc/1/status").splitlines() if ":" in line
    )
    refused = "for each in / /opt/millrace /etc; do ! touch $each/x 2>/dev/null || exit 1; done"

    stack.in_container(service, "sh", "-c", refused)
    assert status["Uid"].split() == ["10001"] * 4
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"].strip() == "1"


def test_ports_are_reached_from_this_machine_only(stack: compose.Stack) -> None:
    bound = {
        service: stack.state(service)["NetworkSettings"]["Ports"]
        for service in ("stream-service", "mapping-service", "handler")
    }

    published = [each for ports in bound.values() for binding in ports.values() for each in binding or ()]
    assert [each["HostIp"] for each in published] == ["127.0.0.1"] * 4
    assert bound["handler"]["7500/tcp"] is None


def test_metrics_of_both_services_are_reached_from_this_machine(stack: compose.Stack) -> None:
    for service in ("stream_admin", "mapping_admin"):
        with urllib.request.urlopen(f"http://{stack.addresses[service]}/metrics", timeout=10) as answer:
            assert b"\nmillrace_build_info{" in answer.read()


def test_a_handler_on_the_machine_itself_is_reached(stack: compose.Stack) -> None:
    program = "from millrace_sdk import serve; serve(lambda records: None, listen='0.0.0.0:0')"
    millrace = [sys.executable, "-c", command.PROGRAM, "handler"]
    address = ["--mapping-address", stack.addresses["mapping"]]
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as handler:
        try:
            assert handler.stdout is not None
            port = handler.stdout.readline().split()[1]
            subprocess.run([*millrace, "register", "outside", f"host.docker.internal:{port}", *address], check=True)
            subprocess.run([*millrace, "invoke", "outside", "{}", *address], check=True)
        finally:
            handler.terminate()


def test_a_copy_of_a_database_is_taken_in_its_container_as_documented(stack: compose.Stack) -> None:
    documented = re.search(r"python3 -c .*data/stream\.db.*", (compose.CLONE / "docs" / "operations.md").read_text())
    assert documented is not None
    copied = documented[0].replace("data/stream.db", "/data/stream.db").replace("stream-copy.db", "/data/copy.db")
    count = (
        "import sqlite3; print(sqlite3.connect('/data/copy.db').execute('SELECT count(*) FROM segment').fetchone()[0])"
    )

    stack.in_container("stream-service", "sh", "-c", copied)
    segments = stack.in_container("stream-service", "python3", "-c", count)
    stack.in_container("stream-service", "rm", "/data/copy.db")

    assert int(segments) > 0


@pytest.mark.parametrize("service", ["stream-service", "mapping-service", "handler"])
def test_a_stop_is_orderly_and_a_start_is_healthy_again(stack: compose.Stack, service: str) -> None:
    stack.compose("stop", service)
    exit_code = stack.state(service)["State"]["ExitCode"]
    stack.compose("start", service)

    looking.until(lambda: stack.state(service)["State"]["Health"]["Status"] == "healthy", lambda: "healthy again")
    assert exit_code == 0
