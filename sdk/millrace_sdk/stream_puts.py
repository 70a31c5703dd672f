"""The puts of one stream: routed to a lane for each open shard, and routed again when the shards have changed.

unrouted --ListShards--> routed --an answer names another shard--> lanes stop --ListShards--> routed

While the shards are asked for, puts wait in their order; those that the stopped lanes did not send go first. So a key
that moves to another shard is never in two calls at once.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable

import grpc

from millrace_sdk import lane, put, refusal, shard_map, stream_client
from millrace_sdk.producer_settings import ProducerSettings
from millrace_sdk.refusal import PutFailed


class StreamPuts:
    """Puts of one stream on one event loop."""

    def __init__(
        self,
        stream_name: str,
        *,
        client: stream_client.StreamClient,
        settings: ProducerSettings,
        release: Callable[[int, int], None],
    ) -> None:
        self._stream_name = stream_name
        self._client = client
        self._settings = settings
        self._release = release
        self._unrouted: deque[put.Put] = deque()
        self._map = shard_map.ShardMap([])
        self._lanes: list[lane.Lane] = []
        self._stopping: list[lane.Lane] = []
        self._task: asyncio.Task[None] | None = None
        self._routed_at = 0.0
        self._is_hurried = False

    @property
    def is_idle(self) -> bool:
        """Nothing is on its way."""
        return self._task is None and not self._unrouted and all(each.is_idle for each in self._lanes)

    def send(self, one: put.Put) -> None:
        """Send it on the lane of its shard, once that is known."""
        lanes = self._lanes
        if len(lanes) == 1:
            lanes[0].add(one)
        elif lanes:
            lanes[self._map.index_of(one.hash_key())].add(one)
        else:
            self._unrouted.append(one)
            self._start_routing()

    def hurry(self) -> None:
        """Linger no longer, now and later."""
        self._is_hurried = True
        for each in self._lanes:
            each.hurry()

    def _start_routing(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def _on_moved(self) -> None:
        """The shards are no longer those that we know: stop the lanes and look again."""
        if not self._lanes or asyncio.get_running_loop().time() - self._routed_at < self._settings.relist_seconds_min:
            return
        self._stopping, self._lanes = self._lanes, []
        self._start_routing()

    async def _run(self) -> None:
        try:
            left = await asyncio.gather(*(each.stop() for each in self._stopping))
            self._stopping = []
            for puts in reversed(left):
                self._unrouted.extendleft(reversed(puts))
            failures = 0
            while not await self._run_once():
                failures += 1
                await asyncio.sleep(self._settings.backoff_seconds(failures, random.random()))
        except asyncio.CancelledError:
            self._fail(None)
            raise
        except Exception as error:
            self._fail(error)
        finally:
            self._task = None

    async def _run_once(self) -> bool:
        """Ask for the shards once; True when there is nothing left to ask for."""
        try:
            self._map = shard_map.ShardMap(await self._client.shards(self._stream_name))
        except grpc.aio.AioRpcError as error:
            refused = refusal.of_error(error)
            if not refused.is_retryable:
                raise PutFailed(refused.reason, refused.message) from error
            self._expire(refused)
            return not self._unrouted
        if not self._map.shard_ids:
            raise PutFailed("STREAM_NOT_ACTIVE", f"stream {self._stream_name} has no open shard")
        self._open_lanes()
        return True

    def _open_lanes(self) -> None:
        self._routed_at = asyncio.get_running_loop().time()
        self._lanes = [
            lane.Lane(
                self._stream_name,
                shard_id,
                client=self._client,
                settings=self._settings,
                release=self._release,
                on_moved=self._on_moved,
            )
            for shard_id in self._map.shard_ids
        ]
        if self._is_hurried:
            self.hurry()
        waiting, self._unrouted = self._unrouted, deque()
        for one in waiting:
            self.send(one)

    def _expire(self, refused: refusal.Refusal) -> None:
        """Let go of puts whose time is up or whose caller has gone."""
        now = asyncio.get_running_loop().time()
        text = (
            f"not stored within {self._settings.delivery_timeout_seconds} s; the shards could not be listed: "
            f"{refused.reason}: {refused.message}"
        )
        kept: deque[put.Put] = deque()
        for one in self._unrouted:
            if one.deadline > now and not one.future.done():
                kept.append(one)
                continue
            one.fail(PutFailed(refusal.DELIVERY_TIMEOUT, text, may_be_stored=one.may_be_stored))
            self._release(1, one.size_bytes)
        self._unrouted = kept

    def _fail(self, error: Exception | None) -> None:
        """Nobody may wait for ever."""
        failed, self._unrouted = self._unrouted, deque()
        for one in failed:
            if error is None:
                one.future.cancel()
            else:
                one.fail(refusal.copy_of(error))
            self._release(1, one.size_bytes)
