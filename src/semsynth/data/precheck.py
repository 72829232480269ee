"""A look at the files of a data set before training starts."""

import logging
import time
from collections.abc import Sequence

from semsynth.data.check import inspect_sample
from semsynth.data.errors import many_faults
from semsynth.data.paired import PairedDataset
from semsynth.data.spread import spread_order
from semsynth.spelling import as_typed_here

log = logging.getLogger(__name__)


def precheck(datasets: Sequence[object], seconds: float) -> int:
    """Read and check samples, spread evenly over the data sets, until all are read or the time is spent.

    Data sets that are drawn, not read, are left alone. Returns how many samples were read.

    Args:
        datasets: Sets of files were built with `strict=False`: all faults are told together.
        seconds: Shared between the data sets; 0: nothing is read, and only what is known of the files is told.

    Raises:
        DataError: files lack their partners, are broken, or do not hold what their reader expects; lists them all.
    """
    read = 0
    faults: dict[str, None] = {}  # once each: the two sides of one set share the faults of their names
    sets = [dataset for dataset in datasets if isinstance(dataset, PairedDataset)]
    for dataset in sets:
        found = dataset.faults or ([] if dataset.pairs else [dataset.emptiness])
        faults |= dict.fromkeys(found)
        end = time.monotonic() + seconds / len(sets)
        done = 0
        for index in spread_order(len(dataset)) if seconds > 0 else ():
            faults |= dict.fromkeys(inspect_sample(dataset, index).faults)
            done += 1
            if time.monotonic() > end:
                break
        left = "" if done == len(dataset) else as_typed_here("; tools/check_data.py reads them all")
        if seconds > 0:
            log.info("checked %d of %d samples of %s%s", done, len(dataset), dataset.title, left)
        read += done
    if faults:
        raise many_faults(list(faults))
    return read
