import pytest

from chassis.process import versions


@pytest.mark.parametrize("version", ["1.85.0", "1.85.1", "1.100.0", "2.0.0", "1.85.0rc1"])
def test_a_gRPC_that_bounds_memory_is_accepted(version: str) -> None:
    versions.require_grpcio(version)


@pytest.mark.parametrize("version", ["1.84.9", "1.71.2", "0.99", "unknown"])
def test_a_gRPC_that_does_not_bound_memory_is_refused(version: str) -> None:
    with pytest.raises(versions.VersionRefused, match=r"the services need 1\.85 or newer"):
        versions.require_grpcio(version)


@pytest.mark.parametrize(
    ("version", "has_bug"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 54, 0), False),
    ],
)
def test_a_SQLite_with_the_WAL_reset_bug_is_known(version: tuple[int, ...], has_bug: bool) -> None:
    assert versions.has_wal_reset_bug(version) is has_bug
