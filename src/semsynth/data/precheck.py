"""A look at the files of a data set before training starts."""

import logging
import time
from typing import Any

log = logging.getLogger(__name__)


def precheck(dataset: Any, seconds: float) -> int:
    """Read and check samples, spread evenly over the data set, until all are read or the time is spent.

    A data set without a `check(index)` method (one that is drawn, not read) is left alone. Returns how many samples
    were read.

    Raises:
        DataError: a file is missing or broken, or does not hold what its reader expects.
    """
    if seconds <= 0 or not hasattr(dataset, "check"):
        return 0
    count = len(dataset)
    end = time.monotonic() + seconds
    done = 0
    for index in spread_order(count):
        dataset.check(index)
        done += 1
        if time.monotonic() > end:
            break
    left = "" if done == count else "; tools/check_data.py reads them all"
    log.info("checked %d of %d samples of %s%s", done, count, getattr(dataset, "title", type(dataset).__name__), left)
    return done


def spread_order(count: int) -> list[int]:
    """Order 0..count-1 so that every beginning of the list is spread over the whole range (bit reversal)."""
    bits = max(1, (count - 1).bit_length())
    reversed_bits = (int(format(i, f"0{bits}b")[::-1], 2) for i in range(1 << bits))
    return [i for i in reversed_bits if i < count]
