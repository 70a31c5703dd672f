"""How long to wait before trying again: exponential, capped, with full jitter, so that shards do not move in step."""

BASE_SECONDS = 0.2
COUNTED_SECONDS_MAX = 60.0
"""Between attempts that count."""
FREE_SECONDS_MAX = 5.0
"""While a handler, the stream service or the storage is away: it should be noticed soon that it is back."""
RARE_SECONDS_MAX = 60.0
"""For what hardly passes by itself: a stream that is gone, damaged records."""
RETRY_AFTER_SECONDS_MAX = 60.0
"""A handler may ask to wait for longer, but is asked again after this."""

_DOUBLINGS_MAX = 16


def delay_seconds(tries: int, *, seconds_max: float, random: float) -> float:
    """A wait after so many failures in a row (at least 1); `random` is at least 0 and below 1."""
    ceiling = BASE_SECONDS * float(2 ** min(tries - 1, _DOUBLINGS_MAX))
    return random * min(ceiling, seconds_max)


def free_seconds(tries: int, *, retry_after_seconds: float | None, random: float) -> float:
    """A wait after failures that cost no attempt: at least what the handler asked for, within reason."""
    asked = min(retry_after_seconds or 0.0, RETRY_AFTER_SECONDS_MAX)
    return asked + delay_seconds(tries, seconds_max=FREE_SECONDS_MAX, random=random)
