"""The sizes and times of every connection, from one place for servers and clients."""

from importlib import resources

MESSAGE_BYTES_MAX = 16 * 1024 * 1024
"""The largest message, in bytes, in both directions: a batch of 6 MiB, or one record of 10 MiB, and their envelope.

gRPC's own default of 4 MiB is smaller than a batch may be."""

KEEPALIVE_SECONDS = 60
"""A side that hears nothing for this long asks whether the other is there."""

KEEPALIVE_TIMEOUT_SECONDS = 20
"""No answer for this long ends the connection."""

PING_INTERVAL_SECONDS_MIN = 30
"""Clients that ask more often are sent away; half of the keepalive, so that ours never are."""

WATCH_SECONDS_MAX = 3600
"""Every call has a deadline. One that is meant to stay is made anew after this, which nobody notices."""

HANDSHAKE_SECONDS_MAX = 10
"""A peer that connects and stays silent longer is dropped; gRPC's default is two minutes."""

CONNECTIONS_MAX = 2_000
"""Connections at a time; gRPC's default has no bound."""

STREAMS_PER_CONNECTION_MAX = 1_024
"""Calls at a time on one connection; more wait in the client."""

ChannelOptions = list[tuple[str, int | str]]

_IDENTITY_ONLY = 1


def server_options() -> ChannelOptions:
    """Options of a server: sizes, no compression, no shared port, bounded connections, keepalive."""
    return [
        *_sizes(),
        # A compressed message is refused: its size on the wire says nothing about its size in memory.
        ("grpc.compression_enabled_algorithms_bitset", _IDENTITY_ONLY),
        # Otherwise a second process binds the same port in silence, and each gets some of the calls.
        ("grpc.so_reuseport", 0),
        ("grpc.max_concurrent_streams", STREAMS_PER_CONNECTION_MAX),
        ("grpc.max_allowed_incoming_connections", CONNECTIONS_MAX),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_SECONDS_MAX * 1000),
        *_keepalive(),
        ("grpc.http2.min_ping_interval_without_data_ms", round(PING_INTERVAL_SECONDS_MIN * 1000)),
        ("grpc.enable_channelz", 0),
    ]


def client_options() -> ChannelOptions:
    """Options of a client's channel: sizes, no compression, no proxy or config from outside, keepalive during calls."""
    return [
        *_sizes(),
        ("grpc.compression_enabled_algorithms_bitset", _IDENTITY_ONLY),
        ("grpc.enable_http_proxy", 0),
        ("grpc.service_config_disable_resolution", 1),
        ("grpc.service_config", service_config()),
        *_keepalive(),
        ("grpc.keepalive_permit_without_calls", 0),
    ]


def service_config() -> str:
    """Which calls a client may repeat by itself: those that only look (protos/service_config.json)."""
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
