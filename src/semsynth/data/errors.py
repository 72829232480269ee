"""Errors of data: one of many faults in the files of a data set."""

from collections.abc import Sequence

from semsynth.errors import DataError

SHOWN = 50  # faults that one message lists


def many_faults(faults: Sequence[str]) -> DataError:
    """One error of all faults that were found."""
    more = f"\n... and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
    counted = f"{len(faults)} faults" if len(faults) > 1 else "1 fault"
    return DataError("\n".join(faults[:SHOWN]) + more + f"\n{counted} found so far; `python tools/check_data.py` with "
                     "the same dataset=... words reads every file and lists them all")
