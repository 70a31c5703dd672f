"""The tables, for queries; storage/migrations makes them."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

# SQLite counts rows in an INTEGER PRIMARY KEY alone, which has 64 bits there; PostgreSQL's INTEGER has 32.
KEY = sa.Integer().with_variant(sa.BigInteger(), "postgresql")

meta = sa.Table("meta", metadata, sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.LargeBinary))

stream = sa.Table(
    "stream",
    metadata,
    sa.Column("key", KEY, primary_key=True),
    sa.Column("stream_id", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("retention_seconds", sa.BigInteger, nullable=False),
    sa.Column("record_bytes_max", sa.BigInteger, nullable=False),
    sa.Column("created_millis", sa.BigInteger, nullable=False),
    sa.Column("etag", sa.Text, nullable=False),
    sa.Column("horizon_millis", sa.BigInteger, nullable=False),
    sa.Column("is_deleted", sa.Boolean, nullable=False),
    sa.Column("tags", sa.Text, nullable=False),
    sa.Column("retention_bytes", sa.BigInteger, nullable=False),
    sa.Column("write_bytes_per_second", sa.BigInteger, nullable=False),
    sa.Column("write_records_per_second", sa.BigInteger, nullable=False),
    sa.Column("read_bytes_per_second", sa.BigInteger, nullable=False),
    sa.Column("read_calls_per_second", sa.BigInteger, nullable=False),
)

shard = sa.Table(
    "shard",
    metadata,
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
    sa.Column("created_millis", sa.BigInteger, nullable=False),
    sa.Column("closed_millis", sa.BigInteger),
    sa.Column("stored_bytes", sa.BigInteger, nullable=False),
)

# A table with row ids and a unique index: blobs in a WITHOUT ROWID table cost a third of the write rate.
segment = sa.Table(
    "segment",
    metadata,
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

request = sa.Table(
    "request",
    metadata,
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("stream_id", sa.Text, nullable=False),
    sa.Column("created_millis", sa.BigInteger, nullable=False),
)

consumer = sa.Table(
    "consumer",
    metadata,
    sa.Column("key", KEY, primary_key=True),
    sa.Column("stream_key", KEY, nullable=False),
    sa.Column("consumer_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_millis", sa.BigInteger, nullable=False),
)

# Records that producers numbered: one packed row for each producer and commit.
producer = sa.Table(
    "producer",
    metadata,
    sa.Column("key", KEY, primary_key=True),
    sa.Column("stream_key", KEY, nullable=False),
    sa.Column("producer_id", sa.LargeBinary, nullable=False),
    sa.Column("first_number", sa.BigInteger, nullable=False),
    sa.Column("last_number", sa.BigInteger, nullable=False),
    sa.Column("created_millis", sa.BigInteger, nullable=False),
    sa.Column("entries", sa.LargeBinary, nullable=False),
)
