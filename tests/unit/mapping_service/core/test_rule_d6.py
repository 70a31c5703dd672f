"""Rule D6: the machine handles ranges and columns, never payloads."""

from mapping_service.core.answer import Answered
from mapping_service.core.policy import Policy
from tests.support.records import ENCODED_BYTES, numbers_in
from tests.support.shard_driver import ShardDriver

NO_MESSAGE = 0xFF  # a first byte that no encoded record begins with


def test_D6_bytes_that_are_no_records_go_to_the_handler_as_they_came() -> None:
    first = NO_MESSAGE << 8 * (ENCODED_BYTES - 1) >> 1
    numbers = [first + place for place in range(7)]

    driver = ShardDriver(Policy(batch_size=3), numbers, handle=lambda _: Answered())

    assert [numbers_in(invoke.batch.payload()) for invoke in driver.sent] == [numbers[:3], numbers[3:6], numbers[6:]]


def test_D6_a_batch_is_slices_of_the_bytes_that_were_read_and_no_copy() -> None:
    driver = ShardDriver(Policy(batch_size=2), [1, 2, 3, 4, 5])

    [sent] = driver.sent

    assert all(part.obj is page.payload for part, page in zip(sent.batch.parts(), sent.batch.pages(), strict=True))
