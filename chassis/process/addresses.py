"""HOST:PORT to listen on, and saying plainly why it cannot be had."""

from typing import ClassVar

from chassis.errors import StartRefused

PORT_MAX = 65_535


class AddressRefused(StartRefused):
    """The address to listen on cannot be had."""

    exit_code: ClassVar[int] = 5


def parse(listen: str) -> tuple[str, int]:
    """Host and port; an IPv6 host stands in brackets. Raises AddressRefused."""
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > PORT_MAX:
        raise AddressRefused(f"{listen!r} is not an address to listen on; an example: 127.0.0.1:7410")
    return host.removeprefix("[").removesuffix("]"), int(port)


def shown(host: str) -> str:
    """The host as it stands before a port."""
    return f"[{host}]" if ":" in host else host


def refused(listen: str) -> AddressRefused:
    """What to raise when the address is taken, or not of this machine."""
    return AddressRefused(f"cannot listen on {listen}: another process does, or the address is not of this machine")
