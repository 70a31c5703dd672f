"""The knobs of a mapping that delivery obeys. Their names are those of AWS."""

from dataclasses import dataclass

from chassis.errors import Violations

MIB = 1024 * 1024

BATCH_SIZE_DEFAULT = 100
BATCH_SIZE_MAX = 10_000
BATCHING_WINDOW_SECONDS_MAX = 300
RETRY_ATTEMPTS_MAX = 10_000
RECORD_AGE_SECONDS_MIN = 60
RECORD_AGE_SECONDS_MAX = 604_800
PAYLOAD_BYTES_MAX = 6 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How batches are formed and what happens when one fails. `check` says whether the values are allowed."""

    batch_size: int = BATCH_SIZE_DEFAULT
    """Most records in a batch: 1 to 10,000."""
    batching_window_seconds: int = 0
    """Longest time to wait for a batch to fill: 0 to 300; 0 sends what one read brought at once."""
    maximum_retry_attempts: int | None = None
    """How often a failed batch is sent again: 0 to 10,000. None means without limit."""
    maximum_record_age_seconds: int | None = None
    """Age from which a record is not sent any more: 60 to 604,800. None means without limit."""
    bisect_batch_on_function_error: bool = False
    """Whether a failed batch is split in two."""
    report_batch_item_failures: bool = False
    """Whether the handler's batch item failures are obeyed; if not, they are ignored."""
    payload_bytes_max: int = PAYLOAD_BYTES_MAX
    """Most bytes of key, data and attributes in a batch of more than one record. Not a knob: 6 MiB but in tests."""


def check(policy: Policy, violations: Violations) -> None:
    """Note each knob that is out of its range, by its name in the contract."""
    _check_range(violations, "batch_size", policy.batch_size, (1, BATCH_SIZE_MAX))
    window = (0, BATCHING_WINDOW_SECONDS_MAX)
    _check_range(violations, "maximum_batching_window", policy.batching_window_seconds, window, unit=" seconds")
    retries = (0, RETRY_ATTEMPTS_MAX)
    _check_range(violations, "maximum_retry_attempts", policy.maximum_retry_attempts, retries)
    age = (RECORD_AGE_SECONDS_MIN, RECORD_AGE_SECONDS_MAX)
    _check_range(violations, "maximum_record_age", policy.maximum_record_age_seconds, age, unit=" seconds")


def _check_range(
    violations: Violations, field: str, value: int | None, bounds: tuple[int, int], *, unit: str = ""
) -> None:
    low, high = bounds
    if value is not None and not low <= value <= high:
        violations.add(f"mapping.{field}", f"{value:,}{unit} is out of range: {low:,} to {high:,}{unit} are allowed")
