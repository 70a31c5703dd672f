"""The limits of the contract, and the channel options that follow from them."""

from __future__ import annotations

MESSAGE_BYTES_MAX = 16 * 1024 * 1024
"""The largest message, in bytes. gRPC's own default of 4 MiB is smaller than a batch may be."""

REQUEST_RECORDS_MAX = 500
"""Most records in one PutRecords."""

REQUEST_BYTES_MAX = 10 * 1024 * 1024
"""Most bytes of keys and data in one PutRecords, and so in one record."""

PARTITION_KEY_CHARACTERS_MAX = 256
HASH_KEY_MAX = 2**128 - 1

_RECONNECT_MILLIS_MIN = 100
_RECONNECT_MILLIS_MAX = 2_000
_PING_INTERVAL_MILLIS_MIN = 30_000

ChannelOptions = list[tuple[str, int]]


def server_options() -> ChannelOptions:
    """Options of a handler's server."""
    return [
        *_sizes(),
        # Otherwise a second process binds the same port in silence, and each gets some of the batches.
        ("grpc.so_reuseport", 0),
        # A mapping service asks each minute whether a handler that is silent in a call is still there.
        ("grpc.http2.min_ping_interval_without_data_ms", _PING_INTERVAL_MILLIS_MIN),
    ]


def client_options() -> ChannelOptions:
    """Options of a producer's channel. It comes back within 2 s after a restart; gRPC's default is up to 2 minutes."""
    return [
        *_sizes(),
        ("grpc.enable_http_proxy", 0),
        ("grpc.initial_reconnect_backoff_ms", _RECONNECT_MILLIS_MIN),
        ("grpc.min_reconnect_backoff_ms", _RECONNECT_MILLIS_MIN),
        ("grpc.max_reconnect_backoff_ms", _RECONNECT_MILLIS_MAX),
    ]


def _sizes() -> ChannelOptions:
    return [
        ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
        ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ]


ATTRIBUTES_MAX = 50
ATTRIBUTE_NAME_CHARACTERS_MAX = 128
ATTRIBUTE_VALUE_CHARACTERS_MAX = 4_096
PRODUCER_ID_BYTES = 16
