import platform
import resource

import pytest

from chassis.process import memory

MIB = 1024 * 1024


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep large blocks")
def test_large_blocks_are_kept_for_the_next_message() -> None:
    assert memory.keep_large_blocks()
    bytes(8 * MIB)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    for _ in range(50):
        bytes(4 * MIB)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 5 * 4 * MIB // resource.getpagesize()
