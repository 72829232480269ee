"""Numbers for people."""

import numpy as np


def rounded(value: float, digits: int) -> str:
    """A number with so many significant digits, written out: 100 where `:.2g` makes 1e+02 of 99.6."""
    return np.format_float_positional(float(f"{value:.{digits}g}"), trim="-")


def duration(seconds: float) -> str:
    """A length of time as people say it: 40 s, 5 min, 3.5 h, 12 days."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.0f} days"
