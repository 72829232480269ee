"""What a norm scales and shifts every pixel by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from semsynth.semantics.lookup import Lookup


@dataclass(eq=False)
class Modulation:
    """What a norm scales and shifts every pixel by: rows of two tables, and what comes to them at each pixel.

    Shapes:
        gamma, beta: (R,C), one row a class or a patch; gamma is the whole factor.
        lookup: Which row each of P pixels reads.
        scales: (P,2), factors of gamma and of beta at each pixel, or None.
        extra: (P,E), channels appended behind the modulated ones, or None.
    """

    gamma: Tensor
    beta: Tensor
    lookup: Lookup
    scales: Tensor | None = None
    extra: Tensor | None = None

    def scaled(self, factor: Tensor) -> Modulation:
        """The same with a result that is `factor` (a scalar) times as large."""
        extra = None if self.extra is None else self.extra * factor
        return replace(self, gamma=self.gamma * factor, beta=self.beta * factor, extra=extra)

    def maps(self, n: int, h: int, w: int) -> tuple[Tensor, Tensor]:
        """Gamma and beta at every pixel, each (N,C,H,W)."""
        index = self.lookup.index.view(n, h, w)
        gamma, beta = (F.embedding(index, rows).permute(0, 3, 1, 2) for rows in (self.gamma, self.beta))
        if self.scales is None:
            return gamma, beta
        of_gamma, of_beta = self.scales.view(n, 1, h, w, 2).unbind(-1)
        return gamma * of_gamma, beta * of_beta


def pixel_rows(x: Tensor) -> Tensor:
    """(N,C,H,W) -> (P,C), P = N*H*W; a view where x is channels-last."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def folded_table(gamma: Tensor, beta: Tensor, mean: Tensor, inverse_deviation: Tensor, *, shifted: bool) -> Tensor:
    """Factors and shifts (R,2*C) of x that do what gamma and beta (R,C) do to the normalised x.

    Args:
        gamma, beta: (R,C).
        mean, inverse_deviation: (C,).
        shifted: Whether x has the mean subtracted already.
    """
    factor = gamma * inverse_deviation
    return torch.cat([factor, beta if shifted else torch.addcmul(beta, mean, factor, value=-1)], 1)
