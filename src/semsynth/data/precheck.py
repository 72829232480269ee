"""A look at the files of a data set before training starts."""

import logging
import time
from typing import Any

from semsynth.data.sampler import spread_order

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
