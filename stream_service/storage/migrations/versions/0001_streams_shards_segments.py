"""Streams, shards, segments, request ids."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite counts rows in an INTEGER PRIMARY KEY alone, which has 64 bits there; PostgreSQL's INTEGER has 32.
KEY = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
# In the order of the name's bytes, whatever language the database sorts by.
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_IS_LIVE = sa.text("NOT is_deleted")


def upgrade() -> None:
    """Make the tables."""
    op.create_table("meta", sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.LargeBinary))
    op.create_table(
        "stream",
        sa.Column("key", KEY, primary_key=True),
        sa.Column("stream_id", sa.Text, nullable=False, unique=True),
        sa.Column("name", NAME, nullable=False),
        sa.Column("retention_seconds", sa.BigInteger, nullable=False),
        sa.Column("record_bytes_max", sa.BigInteger, nullable=False),
        sa.Column("created_millis", sa.BigInteger, nullable=False),
        sa.Column("etag", sa.Text, nullable=False),
        sa.Column("horizon_millis", sa.BigInteger, nullable=False),
        sa.Column("is_deleted", sa.Boolean, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("stream_name", "stream", ["name"], unique=True, sqlite_where=_IS_LIVE, postgresql_where=_IS_LIVE)
    op.create_table(
        "shard",
        sa.Column("key", KEY, primary_key=True),
        sa.Column("stream_key", KEY, sa.ForeignKey("stream.key"), nullable=False),
        sa.Column("shard_index", sa.Integer, nullable=False),
        sa.Column("starting_hash_key", sa.Text, nullable=False),
        sa.Column("ending_hash_key", sa.Text, nullable=False),
        sa.Column("parents", sa.Text, nullable=False),
        sa.Column("floor", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("next_index", sa.BigInteger, nullable=False),
        sa.Column("horizon", sa.BigInteger, nullable=False),
        sa.Column("horizon_index", sa.BigInteger, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("shard_place", "shard", ["stream_key", "shard_index"], unique=True)
    op.create_table(
        "segment",
        sa.Column("key", KEY, primary_key=True),
        sa.Column("shard_key", KEY, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("previous_last", sa.BigInteger, nullable=False),
        sa.Column("first_index", sa.BigInteger, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("format", sa.Integer, nullable=False),
        sa.Column("crc", sa.BigInteger, nullable=False),
        sa.Column("record_index", sa.LargeBinary, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
    op.create_index("segment_place", "segment", ["shard_key", "last"], unique=True)
    op.create_table(
        "request",
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("stream_id", sa.Text, nullable=False),
        sa.Column("created_millis", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Going back is not supported: an older version refuses a newer database."""
    raise NotImplementedError
