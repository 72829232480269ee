"""Numbers for people."""

import numpy as np


def rounded(value: float, digits: int) -> str:
    """A number with so many significant digits, written out: 100 where `:.2g` makes 1e+02 of 99.6."""
    return np.format_float_positional(float(f"{value:.{digits}g}"), trim="-")
