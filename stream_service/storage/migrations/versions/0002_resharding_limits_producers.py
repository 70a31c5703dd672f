"""Times and bytes of shards; settings of streams; consumers; numbered records."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# SQLite counts rows in an INTEGER PRIMARY KEY alone, which has 64 bits there; PostgreSQL's INTEGER has 32.
KEY = sa.Integer().with_variant(sa.BigInteger(), "postgresql")

_SETTINGS = (
    "retention_bytes",
    "write_bytes_per_second",
    "write_records_per_second",
    "read_bytes_per_second",
    "read_calls_per_second",
)


def upgrade() -> None:
    """Add them; what is there already gets the values that it had so far."""
    op.add_column("stream", sa.Column("tags", sa.Text, nullable=False, server_default="{}"))
    for name in _SETTINGS:
        op.add_column("stream", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("shard", sa.Column("created_millis", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("shard", sa.Column("closed_millis", sa.BigInteger, nullable=True))
    op.add_column("shard", sa.Column("stored_bytes", sa.BigInteger, nullable=False, server_default="0"))
    op.execute(
        "UPDATE shard SET created_millis = (SELECT created_millis FROM stream WHERE stream.key = stream_key), "
        "stored_bytes = (SELECT coalesce(sum(length(payload)), 0) FROM segment WHERE shard_key = shard.key)"
    )
    op.create_table(
        "consumer",
        sa.Column("key", KEY, primary_key=True),
        sa.Column("stream_key", KEY, nullable=False),
        sa.Column("consumer_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_millis", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("consumer_name", "consumer", ["stream_key", "name"], unique=True)
    op.create_table(
        "producer",
        sa.Column("key", KEY, primary_key=True),
        sa.Column("stream_key", KEY, nullable=False),
        sa.Column("producer_id", sa.LargeBinary, nullable=False),
        sa.Column("first_number", sa.BigInteger, nullable=False),
        sa.Column("last_number", sa.BigInteger, nullable=False),
        sa.Column("created_millis", sa.BigInteger, nullable=False),
        sa.Column("entries", sa.LargeBinary, nullable=False),
    )
    op.create_index("producer_numbers", "producer", ["stream_key", "producer_id", "last_number"])


def downgrade() -> None:
    """Going back is not supported: an older version refuses a newer database."""
    raise NotImplementedError
