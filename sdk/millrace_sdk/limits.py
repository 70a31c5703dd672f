"""The limits of the contract, and the channel options that follow from them."""

from __future__ import annotations

from importlib import resources

MESSAGE_BYTES_MAX = 16 * 1024 * 1024
"""The largest message, in bytes. gRPC's own default of 4 MiB is smaller than a batch may be."""

REQUEST_RECORDS_MAX = 500
"""Most records in one PutRecords."""

REQUEST_BYTES_MAX = 10 * 1024 * 1024
"""Most bytes of keys and data in one PutRecords, and so in one record."""

PARTITION_KEY_CHARACTERS_MAX = 256
HASH_KEY_MAX = 2**128 - 1

KEEPALIVE_SECONDS = 60
"""A side that hears nothing for this long during a call asks whether the other is there."""

KEEPALIVE_TIMEOUT_SECONDS = 20
"""No answer for this long ends the connection, and the call with UNAVAILABLE."""

PING_INTERVAL_SECONDS_MIN = 30
"""A mapping service that asks more often is sent away; ours ask each minute."""

_RECONNECT_MILLIS_MIN = 100
_RECONNECT_MILLIS_MAX = 2_000

ChannelOptions = list[tuple[str, int | str]]


def server_options() -> ChannelOptions:
    """Options of a handler's server."""
    return [
        *_sizes(),
        # Otherwise a second process binds the same port in silence, and each gets some of the batches.
        ("grpc.so_reuseport", 0),
        *_keepalive(),
        ("grpc.http2.min_ping_interval_without_data_ms", round(PING_INTERVAL_SECONDS_MIN * 1000)),
    ]


def client_options() -> ChannelOptions:
    """Options of a producer's channel. It comes back within 2 s after a restart; gRPC's default is up to 2 minutes."""
    return [
        *_sizes(),
        *_keepalive(),
        ("grpc.service_config", service_config()),
        ("grpc.enable_http_proxy", 0),
        ("grpc.initial_reconnect_backoff_ms", _RECONNECT_MILLIS_MIN),
        ("grpc.min_reconnect_backoff_ms", _RECONNECT_MILLIS_MIN),
        ("grpc.max_reconnect_backoff_ms", _RECONNECT_MILLIS_MAX),
    ]


def service_config() -> str:
    """Which calls a client may repeat by itself: those that only look, never a put. In gRPC's JSON."""
    return resources.files("millrace").joinpath("service_config.json").read_text()


def _keepalive() -> ChannelOptions:
    return [
        ("grpc.keepalive_time_ms", round(KEEPALIVE_SECONDS * 1000)),
        ("grpc.keepalive_timeout_ms", round(KEEPALIVE_TIMEOUT_SECONDS * 1000)),
        # The timeout above alone does not end the connection: this one, which is a minute by default, does.
        ("grpc.http2.ping_timeout_ms", round(KEEPALIVE_TIMEOUT_SECONDS * 1000)),
        # Otherwise it asks twice and then hardly again, while a call waits for its answer.
        ("grpc.http2.max_pings_without_data", 0),
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
