"""The registered handlers, at hand: a batch asks for one each time it is sent."""

from collections.abc import Iterable

from mapping_service.core.handler import Handler


class HandlerDirectory:
    """A copy of the handlers in the storage, kept current by those who change them."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def load(self, handlers: Iterable[Handler]) -> None:
        """Know these handlers and no others."""
        self._handlers = {handler.handler_name: handler for handler in handlers}

    def put(self, handler: Handler) -> None:
        """A handler is registered or changed. An older version than the known one changes nothing."""
        known = self._handlers.get(handler.handler_name)
        if known is None or known.version <= handler.version or known.create_millis < handler.create_millis:
            self._handlers[handler.handler_name] = handler

    def remove(self, handler_name: str) -> None:
        """A handler is deregistered."""
        self._handlers.pop(handler_name, None)

    def get(self, handler_name: str) -> Handler | None:
        """The handler of that name; None when there is none."""
        return self._handlers.get(handler_name)

    def has_endpoint(self, endpoint: str) -> bool:
        """Whether any handler listens there."""
        return any(handler.endpoint == endpoint for handler in self._handlers.values())
