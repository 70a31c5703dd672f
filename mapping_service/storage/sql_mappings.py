"""MappingStore in SQL, on a transaction that somebody else opened."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy
from sqlalchemy import delete, insert, select, tuple_, update

from mapping_service.core.errors import (
    EtagMismatch,
    MappedHandlerNotFound,
    MappingAlreadyExists,
    MappingInUse,
    MappingNotFound,
)
from mapping_service.core.mapping import EventSourceMapping, MappingState, StartingPosition
from mapping_service.core.policy import Policy
from mapping_service.core.ports import LIST_LIMIT_MAX, RequestId, ResolvedStart
from mapping_service.storage import sql_requests, sql_start
from mapping_service.storage.tables import DELIVERY_STATE, HANDLER, LEASE
from mapping_service.storage.tables import EVENT_SOURCE_MAPPING as MAPPING

_KIND = "mapping"


class SqlMappings:
    """Event source mappings; see MappingStore for the promises."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self._connection = connection

    def create(
        self,
        mapping: EventSourceMapping,
        *,
        start: ResolvedStart | None,
        request: RequestId | None = None,
    ) -> EventSourceMapping:
        """See MappingStore."""
        made = sql_requests.known(self._connection, _KIND, request, now_millis=mapping.create_millis)
        if made is not None:
            return self.get(made)
        self._check_handler(mapping.handler_name)
        self._check_pair(mapping)
        stored = replace(mapping, stream_id=start.stream_id if start else None)
        self._connection.execute(insert(MAPPING).values(**_row(stored)))
        if start is not None:
            sql_start.insert_leases(self._connection, mapping.mapping_id, start.stream_id, start.leases)
        made_of = (mapping.mapping_id, mapping.create_millis)
        sql_requests.remember(self._connection, _KIND, request, made=made_of)
        return stored

    def get(self, mapping_id: str) -> EventSourceMapping:
        """See MappingStore."""
        row = self._connection.execute(select(MAPPING).where(MAPPING.c.mapping_id == mapping_id)).one_or_none()
        if row is None:
            raise MappingNotFound(mapping_id)
        return _mapping(row)

    def list(
        self,
        *,
        after: tuple[int, str] | None,
        limit: int,
        event_source: str | None = None,
        handler_name: str | None = None,
    ) -> Sequence[EventSourceMapping]:
        """See MappingStore."""
        order = (MAPPING.c.create_millis, MAPPING.c.mapping_id)
        query = select(MAPPING).order_by(*order).limit(min(limit, LIST_LIMIT_MAX))
        if after is not None:
            query = query.where(tuple_(*order) > tuple_(*after))
        if event_source is not None:
            query = query.where(MAPPING.c.event_source == event_source)
        if handler_name is not None:
            query = query.where(MAPPING.c.handler_name == handler_name)
        return [_mapping(row) for row in self._connection.execute(query)]

    def update(self, mapping: EventSourceMapping, *, seen: EventSourceMapping) -> EventSourceMapping:
        """See MappingStore."""
        stored = self.get(mapping.mapping_id)
        if stored.version != seen.version:
            raise EtagMismatch(seen.etag)
        if stored.state != seen.state:
            raise MappingInUse(mapping_id=stored.mapping_id, state=stored.state)
        if mapping.handler_name != stored.handler_name:
            self._check_handler(mapping.handler_name)
            self._check_pair(mapping)
        kept = replace(mapping, stream_id=stored.stream_id, last_processing_result=stored.last_processing_result)
        self._connection.execute(update(MAPPING).where(MAPPING.c.mapping_id == mapping.mapping_id).values(**_row(kept)))
        return kept

    def set_result(self, mapping_id: str, last_processing_result: str) -> None:
        """See MappingStore."""
        changed = update(MAPPING).where(MAPPING.c.mapping_id == mapping_id)
        self._connection.execute(changed.values(last_processing_result=last_processing_result))

    def remove(self, mapping_id: str) -> None:
        """See MappingStore."""
        gone = delete(MAPPING).where(MAPPING.c.mapping_id == mapping_id, MAPPING.c.state == MappingState.DELETING)
        if self._connection.execute(gone).rowcount == 0:
            return
        self._connection.execute(delete(LEASE).where(LEASE.c.mapping_id == mapping_id))
        self._connection.execute(delete(DELIVERY_STATE).where(DELIVERY_STATE.c.mapping_id == mapping_id))

    def _check_handler(self, handler_name: str) -> None:
        found = self._connection.execute(select(HANDLER.c.version).where(HANDLER.c.handler_name == handler_name))
        if found.one_or_none() is None:
            raise MappedHandlerNotFound(handler_name)

    def _check_pair(self, mapping: EventSourceMapping) -> None:
        row = self._connection.execute(
            select(MAPPING.c.mapping_id).where(
                MAPPING.c.event_source == mapping.event_source,
                MAPPING.c.handler_name == mapping.handler_name,
                MAPPING.c.mapping_id != mapping.mapping_id,
            )
        ).one_or_none()
        if row is not None:
            raise MappingAlreadyExists(
                mapping_id=row.mapping_id, event_source=mapping.event_source, handler_name=mapping.handler_name
            )


def _row(mapping: EventSourceMapping) -> dict[str, Any]:
    policy = mapping.policy
    return {
        "mapping_id": mapping.mapping_id,
        "event_source": mapping.event_source,
        "handler_name": mapping.handler_name,
        "starting_position": str(mapping.starting_position),
        "starting_position_millis": mapping.starting_position_millis,
        "enabled": mapping.enabled,
        "batch_size": policy.batch_size,
        "batching_window_seconds": policy.batching_window_seconds,
        "maximum_retry_attempts": policy.maximum_retry_attempts,
        "maximum_record_age_seconds": policy.maximum_record_age_seconds,
        "bisect_batch_on_function_error": policy.bisect_batch_on_function_error,
        "report_batch_item_failures": policy.report_batch_item_failures,
        "state": str(mapping.state),
        "state_transition_reason": mapping.state_transition_reason,
        "last_processing_result": mapping.last_processing_result,
        "stream_id": mapping.stream_id,
        "version": mapping.version,
        "create_millis": mapping.create_millis,
        "modified_millis": mapping.modified_millis,
    }


def _mapping(row: Any) -> EventSourceMapping:
    return EventSourceMapping(
        mapping_id=row.mapping_id,
        event_source=row.event_source,
        handler_name=row.handler_name,
        starting_position=StartingPosition(row.starting_position),
        starting_position_millis=row.starting_position_millis,
        enabled=row.enabled,
        policy=Policy(
            batch_size=row.batch_size,
            batching_window_seconds=row.batching_window_seconds,
            maximum_retry_attempts=row.maximum_retry_attempts,
            maximum_record_age_seconds=row.maximum_record_age_seconds,
            bisect_batch_on_function_error=row.bisect_batch_on_function_error,
            report_batch_item_failures=row.report_batch_item_failures,
        ),
        state=MappingState(row.state),
        state_transition_reason=row.state_transition_reason,
        last_processing_result=row.last_processing_result,
        stream_id=row.stream_id,
        version=row.version,
        create_millis=row.create_millis,
        modified_millis=row.modified_millis,
    )
