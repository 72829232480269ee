"""The cost formulas of the CLADE paper (arXiv:2012.04644, Section 3, Eq. 3-17) and the count of one layer.

A "FLOP" of the papers is one multiply-accumulate of a convolution or a linear layer, or one addition of a bias.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from semsynth.norms.base import Norm


def conv_macs(kernel: Sequence[int], channels_in: int, channels_out: int, positions: int, groups: int = 1) -> int:
    """Multiply-accumulates of a convolution with ``positions`` output positions; one position has as many as weights.

    A transposed convolution is counted the same way, at its output's size, as the papers' counter does (their numbers
    of pix2pixHD need it), although a stride leaves most of those products out.
    """
    return math.prod(kernel) * (channels_in // groups) * channels_out * positions


def linear_macs(features_in: int, features_out: int, positions: int = 1) -> int:
    """Multiply-accumulates of a linear layer."""
    return features_in * features_out * positions


def elementwise_operations(norm: Norm, h: int, w: int) -> int:
    """Multiplications and additions that scale and shift an (h, w) feature: 2 C H W (Eq. 9), 4 C H W with ICPE.

    ICPE (Eq. 15) scales gamma and beta by position before they are used. Normalising itself is left out.
    """
    return norm.operations * norm.channels * h * w


# ---- the closed forms; Nc classes (input channels of the mask), Cm hidden channels of SPADE, k and km kernels


def conv_parameters(channels_in: int, channels_out: int, kernel: int = 3) -> int:
    """P_conv = k^2 Cin Cout, biases left out (Eq. 3)."""
    return kernel ** 2 * channels_in * channels_out


def spade_parameters(channels: int, num_classes: int, hidden: int = 128, kernel: int = 3) -> int:
    """P_spade = km^2 (Nc Cm + 2 Cm Cin), biases left out (Eq. 4)."""
    return kernel ** 2 * (num_classes * hidden + 2 * hidden * channels)


def clade_parameters(channels: int, num_classes: int) -> int:
    """P_clade = 2 Nc Cin (Eq. 8)."""
    return 2 * num_classes * channels


def icpe_parameters(channels: int, num_classes: int) -> int:
    """P_icpe = 2 Nc Cin + 4: two 1x1 convolutions of two offsets to one channel, biases left out (Eq. 16)."""
    return clade_parameters(channels, num_classes) + 4
