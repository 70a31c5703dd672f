"""Everything that the first version keeps."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    _mappings()
    _leases()
    _dead_letters()
    _audit()


def _mappings() -> None:
    op.create_table(
        "event_source_mapping",
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
    )
    pair = ["event_source", "handler_name"]
    op.create_index("event_source_mapping_pair", "event_source_mapping", pair, unique=True)
    op.create_index("event_source_mapping_order", "event_source_mapping", ["create_millis", "mapping_id"])
    op.create_table(
        "handler",
        Column("handler_name", Text, primary_key=True),
        Column("endpoint", Text, nullable=False),
        Column("timeout_millis", BigInteger, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("create_millis", BigInteger, nullable=False),
    )
    op.create_table(
        "request",
        Column("kind", Text, primary_key=True),
        Column("request_id", Text, primary_key=True),
        Column("digest", LargeBinary, nullable=False),
        Column("resource", Text, nullable=False),
        Column("create_millis", BigInteger, nullable=False),
    )
    op.create_index("request_age", "request", ["create_millis"])
    op.create_table(
        "signing_key",
        Column("key_id", Integer, primary_key=True, autoincrement=False),
        Column("key", LargeBinary, nullable=False),
    )


def _leases() -> None:
    op.create_table(
        "worker",
        Column("worker_id", Text, primary_key=True),
        Column("counter", BigInteger, nullable=False),
    )
    op.create_table(
        "lease",
        Column("mapping_id", Text, primary_key=True),
        Column("shard_id", Text, primary_key=True),
        Column("stream_id", Text, nullable=False),
        Column("owner", Text),
        Column("epoch", BigInteger, nullable=False),
        Column("generation", BigInteger, nullable=False),
        Column("checkpoint", BigInteger, nullable=False),
        Column("ended", Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "delivery_state",
        Column("mapping_id", Text, primary_key=True),
        Column("shard_id", Text, primary_key=True),
        Column("state", Text, nullable=False),
        sqlite_with_rowid=False,
    )


def _audit() -> None:
    op.create_table(
        "audit_entry",
        Column("entry_key", Integer, primary_key=True),
        Column("mapping_id", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("create_millis", BigInteger, nullable=False),
    )
    op.create_index("audit_entry_mapping", "audit_entry", ["mapping_id", "entry_key"])
    op.create_index("audit_entry_age", "audit_entry", ["create_millis"])


def _dead_letters() -> None:
    op.create_table(
        "dead_letter",
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
        Column("payload", LargeBinary, nullable=False),
    )
    op.create_index("dead_letter_mapping", "dead_letter", ["mapping_id", "create_millis", "dead_letter_id"])
    op.create_index("dead_letter_age", "dead_letter", ["create_millis", "dead_letter_id"])
    op.create_table(
        "dead_letter_usage",
        Column("mapping_id", Text, primary_key=True),
        Column("payload_bytes", BigInteger, nullable=False),
    )
