"""A gRPC channel that says whether it is connected, so that "could not connect" is never mistaken for "failed" (D1)."""

import asyncio

import grpc

from chassis.process import limits

CONNECT_SECONDS = 5.0
"""Connecting has a deadline of its own. A peer that accepts TCP and says nothing is not connected."""

RECONNECT_SECONDS_MIN = 0.2
RECONNECT_SECONDS_MAX = 2.0
"""A peer that comes back is noticed soon; gRPC's default grows to two minutes."""

_FAILED = grpc.ChannelConnectivity.TRANSIENT_FAILURE
_READY = grpc.ChannelConnectivity.READY
_SHUTDOWN = grpc.ChannelConnectivity.SHUTDOWN


class Connection:
    """One channel to one peer, shared by all that call it. Made on the running loop."""

    def __init__(self, target: str, *, window_bytes: int | None = None) -> None:
        """`window_bytes` is what the peer may send ahead of our reading, for each call; None means gRPC's own guess."""
        self.target = target
        window: limits.ChannelOptions = [("grpc.http2.lookahead_bytes", window_bytes)] if window_bytes else []
        self.channel = grpc.aio.insecure_channel(
            target,
            options=[
                *limits.client_options(),
                ("grpc.initial_reconnect_backoff_ms", round(RECONNECT_SECONDS_MIN * 1000)),
                ("grpc.max_reconnect_backoff_ms", round(RECONNECT_SECONDS_MAX * 1000)),
                # Despite its name this is the deadline of one attempt to connect.
                ("grpc.min_reconnect_backoff_ms", round(CONNECT_SECONDS * 1000)),
                # Connections of their own: two handlers at one address do not share their fate.
                ("grpc.use_local_subchannel_pool", 1),
                *window,
            ],
        )
        self._connecting: asyncio.Task[bool] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it is connected now."""
        return self.channel.get_state() is _READY

    async def ready(self) -> bool:
        """Connect if need be; whether that worked, at once while the last attempt has just failed."""
        if self.channel.get_state(try_to_connect=True) is _READY:
            return True
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(self._connect(), name=f"connect {self.target}")
        done, _ = await asyncio.wait({self._connecting}, timeout=CONNECT_SECONDS)
        return bool(done) and not self._connecting.cancelled() and self._connecting.result()

    async def close(self) -> None:
        """Close the channel; calls under way are cancelled."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait({self._connecting})
        await self.channel.close()

    async def _connect(self) -> bool:
        """Follow one attempt to its end. One task for all callers; it is not cancelled by them."""
        state = self.channel.get_state(try_to_connect=True)
        while state not in (_READY, _FAILED, _SHUTDOWN):
            await self.channel.wait_for_state_change(state)
            state = self.channel.get_state(try_to_connect=True)
        return state is _READY
