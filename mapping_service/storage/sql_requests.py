"""Request ids: the same request sent again within 24 hours gets the first one's answer (rule D5 trims them)."""

import sqlalchemy
from sqlalchemy import delete, insert, select

from mapping_service.core.errors import RequestIdReused
from mapping_service.core.ports import REQUEST_ID_MILLIS, RequestId
from mapping_service.storage.tables import REQUEST

TRIMMED_MAX = 100
"""Old entries that each new one takes with it: more than one, so that they never pile up."""


def known(connection: sqlalchemy.Connection, kind: str, request: RequestId | None, *, now_millis: int) -> str | None:
    """What the request made when it was sent before; None when it is new. Raises RequestIdReused."""
    if request is None:
        return None
    row = connection.execute(
        select(REQUEST.c.digest, REQUEST.c.resource).where(
            REQUEST.c.kind == kind,
            REQUEST.c.request_id == request.request_id,
            REQUEST.c.create_millis > now_millis - REQUEST_ID_MILLIS,
        )
    ).one_or_none()
    if row is None:
        return None
    if row.digest != request.digest:
        raise RequestIdReused(request.request_id)
    return str(row.resource)


def remember(connection: sqlalchemy.Connection, kind: str, request: RequestId | None, *, made: tuple[str, int]) -> None:
    """Keep what a request made (its name, and when), and forget some that are too old."""
    if request is None:
        return
    resource, now_millis = made
    oldest_millis = now_millis - REQUEST_ID_MILLIS
    old = select(REQUEST.c.kind, REQUEST.c.request_id).where(REQUEST.c.create_millis <= oldest_millis)
    for row in connection.execute(old.limit(TRIMMED_MAX)).all():
        connection.execute(delete(REQUEST).where(REQUEST.c.kind == row.kind, REQUEST.c.request_id == row.request_id))
    same = (REQUEST.c.kind == kind, REQUEST.c.request_id == request.request_id)
    connection.execute(delete(REQUEST).where(*same))
    connection.execute(
        insert(REQUEST).values(
            kind=kind,
            request_id=request.request_id,
            digest=request.digest,
            resource=resource,
            create_millis=now_millis,
        )
    )
