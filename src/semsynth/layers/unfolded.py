"""Products of unfolded features with kernels that are no weights."""

from __future__ import annotations

from torch import nn


class UnfoldedProduct(nn.Module):
    """A layer without parameters that sums `taps` products for each element of its output (N,C,H,W)."""

    taps: int
