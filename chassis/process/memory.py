"""Keeps large blocks of memory for the next message instead of handing each back to the kernel.

Requests and answers are megabytes. glibc maps a block of that size anew for each, and the kernel fills it with zeros
page by page: a sixth of the CPU of delivering records. Elsewhere than on glibc nothing is changed.
"""

import ctypes

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3

BLOCK_BYTES_MAX = 32 * 1024 * 1024
"""Larger blocks are still mapped and given back: twice the largest message."""

KEPT_BYTES_MAX = 64 * 1024 * 1024
"""Free memory at the end of the heap beyond this is given back."""


def keep_large_blocks() -> bool:
    """Set it for this process; whether the C library knows how."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((_M_MMAP_THRESHOLD, BLOCK_BYTES_MAX), (_M_TRIM_THRESHOLD, KEPT_BYTES_MAX))
    answers = [mallopt(name, value) for name, value in settings]
    return answers == [1, 1]
