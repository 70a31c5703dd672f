"""HandlerStore in SQL, on a transaction that somebody else opened."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import delete, insert, select, update

from mapping_service.core.errors import EtagMismatch, HandlerAlreadyExists, HandlerNotFound
from mapping_service.core.handler import Handler
from mapping_service.core.ports import LIST_LIMIT_MAX, RequestId
from mapping_service.storage import sql_requests
from mapping_service.storage.tables import HANDLER

_KIND = "handler"


class SqlHandlers:
    """Registered handlers; see HandlerStore for the promises."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self._connection = connection

    def register(self, handler: Handler, *, request: RequestId | None = None) -> Handler:
        """See HandlerStore."""
        made = sql_requests.known(self._connection, _KIND, request, now_millis=handler.create_millis)
        if made is not None:
            return self.get(made)
        if self._find(handler.handler_name) is not None:
            raise HandlerAlreadyExists(handler.handler_name)
        self._connection.execute(insert(HANDLER).values(**_row(handler)))
        made_of = (handler.handler_name, handler.create_millis)
        sql_requests.remember(self._connection, _KIND, request, made=made_of)
        return handler

    def get(self, handler_name: str) -> Handler:
        """See HandlerStore."""
        handler = self._find(handler_name)
        if handler is None:
            raise HandlerNotFound(handler_name)
        return handler

    def list(self, *, after: str | None, limit: int) -> Sequence[Handler]:
        """See HandlerStore."""
        query = select(HANDLER).order_by(HANDLER.c.handler_name).limit(min(limit, LIST_LIMIT_MAX))
        if after is not None:
            query = query.where(HANDLER.c.handler_name > after)
        return [_handler(row) for row in self._connection.execute(query)]

    def update(self, handler: Handler, *, seen_version: int) -> Handler:
        """See HandlerStore."""
        stored = self.get(handler.handler_name)
        if stored.version != seen_version:
            raise EtagMismatch(str(seen_version))
        changed = update(HANDLER).where(HANDLER.c.handler_name == handler.handler_name)
        self._connection.execute(changed.values(**_row(handler)))
        return handler

    def deregister(self, handler_name: str) -> None:
        """See HandlerStore."""
        if self._connection.execute(delete(HANDLER).where(HANDLER.c.handler_name == handler_name)).rowcount == 0:
            raise HandlerNotFound(handler_name)

    def _find(self, handler_name: str) -> Handler | None:
        query = select(HANDLER).where(HANDLER.c.handler_name == handler_name)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _handler(row)


def _row(handler: Handler) -> dict[str, Any]:
    return {
        "handler_name": handler.handler_name,
        "endpoint": handler.endpoint,
        "timeout_millis": round(handler.timeout_seconds * 1000),
        "version": handler.version,
        "create_millis": handler.create_millis,
    }


def _handler(row: Any) -> Handler:
    return Handler(
        handler_name=row.handler_name,
        endpoint=row.endpoint,
        timeout_seconds=row.timeout_millis / 1000,
        version=row.version,
        create_millis=row.create_millis,
    )
