"""The tables of the mapping service. `migrations/` makes them; a test compares the two."""

import sqlalchemy
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Text

METADATA = sqlalchemy.MetaData()

EVENT_SOURCE_MAPPING = sqlalchemy.Table(
    "event_source_mapping",
    METADATA,
    Column("mapping_id", Text, primary_key=True),
    Column("event_source", Text, nullable=False),
    Column("handler_name", Text, nullable=False),
    Column("starting_position", Text, nullable=False),
    Column("starting_position_millis", BigInteger),
    Column("enabled", Boolean, nullable=False),
    Column("batch_size", Integer, nullable=False),
    Column("batching_window_seconds", Integer, nullable=False),
    Column("maximum_retry_attempts", Integer),
    Column("maximum_record_age_seconds", Integer),
    Column("bisect_batch_on_function_error", Boolean, nullable=False),
    Column("report_batch_item_failures", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("state_transition_reason", Text, nullable=False),
    Column("last_processing_result", Text, nullable=False),
    Column("stream_id", Text),
    Column("version", BigInteger, nullable=False),
    Column("create_millis", BigInteger, nullable=False),
    Column("modified_millis", BigInteger, nullable=False),
    Index("event_source_mapping_pair", "event_source", "handler_name", unique=True),
    Index("event_source_mapping_order", "create_millis", "mapping_id"),
)

HANDLER = sqlalchemy.Table(
    "handler",
    METADATA,
    Column("handler_name", Text, primary_key=True),
    Column("endpoint", Text, nullable=False),
    Column("timeout_millis", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_millis", BigInteger, nullable=False),
)

REQUEST = sqlalchemy.Table(
    "request",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("request_id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("resource", Text, nullable=False),
    Column("create_millis", BigInteger, nullable=False),
    Index("request_age", "create_millis"),
)

WORKER = sqlalchemy.Table(
    "worker",
    METADATA,
    Column("worker_id", Text, primary_key=True),
    Column("counter", BigInteger, nullable=False),
)

LEASE = sqlalchemy.Table(
    "lease",
    METADATA,
    Column("mapping_id", Text, primary_key=True),
    Column("shard_id", Text, primary_key=True),
    Column("stream_id", Text, nullable=False),
    Column("owner", Text),
    Column("epoch", BigInteger, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("checkpoint", BigInteger, nullable=False),
    Column("ended", Boolean, nullable=False),
    # Of lease_checksum; none in a row that is not checked.
    Column("checksum", BigInteger),
    sqlite_with_rowid=False,
)

DELIVERY_STATE = sqlalchemy.Table(
    "delivery_state",
    METADATA,
    Column("mapping_id", Text, primary_key=True),
    Column("shard_id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    sqlite_with_rowid=False,
)

DEAD_LETTER = sqlalchemy.Table(
    "dead_letter",
    METADATA,
    Column("dead_letter_id", Text, primary_key=True),
    Column("mapping_id", Text, nullable=False),
    Column("shard_id", Text, nullable=False),
    Column("shard_index", BigInteger, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("record_count", BigInteger, nullable=False),
    Column("condition", Text, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("payload_bytes", BigInteger, nullable=False),
    Column("create_millis", BigInteger, nullable=False),
    # The last column, so that lists do not read the pages it fills.
    Column("payload", LargeBinary, nullable=False),
    Index("dead_letter_mapping", "mapping_id", "create_millis", "dead_letter_id"),
    Index("dead_letter_age", "create_millis", "dead_letter_id"),
)

DEAD_LETTER_USAGE = sqlalchemy.Table(
    "dead_letter_usage",
    METADATA,
    Column("mapping_id", Text, primary_key=True),
    Column("payload_bytes", BigInteger, nullable=False),
)

AUDIT_ENTRY = sqlalchemy.Table(
    "audit_entry",
    METADATA,
    Column("entry_key", Integer, primary_key=True),
    Column("mapping_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("create_millis", BigInteger, nullable=False),
    Index("audit_entry_mapping", "mapping_id", "entry_key"),
    Index("audit_entry_age", "create_millis"),
)

SIGNING_KEY = sqlalchemy.Table(
    "signing_key",
    METADATA,
    Column("key_id", Integer, primary_key=True, autoincrement=False),
    Column("key", LargeBinary, nullable=False),
)
