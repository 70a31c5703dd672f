"""The admin port: plain HTTP for those who look after the process. `GET /metrics`, and nothing else.

It changes nothing and tells no record, key or secret; still it listens where it is told to and nowhere by default.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog

from chassis.metrics import Family, Source
from chassis.process import addresses, drain, metrics_page

_log = structlog.get_logger(__name__)

OFF = "off"
"""Instead of an address: no admin port."""

REQUEST_BYTES_MAX = 8 * 1024
REQUEST_SECONDS_MAX = 5.0
"""For a request to arrive, and again for its answer to be taken."""

CONNECTIONS_MAX = 16
"""At a time; more are closed at once."""

_PLAIN = "text/plain; charset=utf-8"


async def serve(address: str, ending: drain.Drain, sources: Sequence[Source]) -> str:
    """Serve the metrics of these sources until the process has ended; the address, with the port in it.

    Raises AddressRefused.
    """
    host, port = addresses.parse(address)
    page = Admin(sources)
    try:
        server = await asyncio.start_server(page.answer, host, port, limit=REQUEST_BYTES_MAX)
    except OSError as error:
        raise addresses.refused(address) from error
    bound = f"{addresses.shown(host)}:{server.sockets[0].getsockname()[1]}"
    _log.info("admin_listens", address=bound)

    async def close() -> None:
        server.close()

    ending.add("admin", close)
    return bound


class Admin:
    """Answers connections, one request each."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = tuple(sources)
        self._open = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request and answer it; then the connection ends, whatever the other side does."""
        self._open += 1
        try:
            if self._open <= CONNECTIONS_MAX:
                # Who is too slow, talks something else or goes away gets no answer.
                with suppress(TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                    await self._answer_once(reader, writer)
        finally:
            self._open -= 1
            writer.close()

    async def _answer_once(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(REQUEST_SECONDS_MAX):
            head = await reader.readuntil(b"\r\n\r\n")
        status, content_type, body, is_wanted = await self._respond(head.decode("latin-1"))
        header = (
            f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n"
        )
        writer.write(header.encode("latin-1") + (body if is_wanted else b""))
        async with asyncio.timeout(REQUEST_SECONDS_MAX):
            await writer.drain()

    async def _respond(self, head: str) -> tuple[str, str, bytes, bool]:
        """Status, content type, body, and whether the body was asked for."""
        line, _, fields = head.partition("\r\n")
        method, _, rest = line.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if path != "/metrics":
            return "404 Not Found", _PLAIN, b"only /metrics is here\n", method != "HEAD"
        if method not in ("GET", "HEAD"):
            return "405 Method Not Allowed", _PLAIN, b"only GET is answered\n", True
        families: list[Family] = [family for source in self._sources for family in source()]
        # Writing thousands of series down takes a while, so it does not hold the loop up.
        body, content_type = await asyncio.to_thread(metrics_page.render, families, accept=_field(fields, "accept"))
        return "200 OK", content_type, body, method == "GET"


def _field(fields: str, wanted: str) -> str:
    """The value of a header field; empty when there is none."""
    for line in fields.split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == wanted:
            return value.strip()
    return ""
