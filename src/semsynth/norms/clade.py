"""CLADE: class-adaptive normalisation, and the positional variants of the same paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.layers.init import ZeroConv2d
from semsynth.modulation.autograd import Modulation, Setting, modulate, pixel_rows
from semsynth.modulation.precision import autocast
from semsynth.modulation.table import Rows
from semsynth.norms.base import BaseNorm, Norm, batch_norm, fast_path
from semsynth.semantics import Semantics


class CLADE(Norm):
    """CLADE (arXiv:2012.04644, Eq. 1-2): gamma and beta are looked up by class in two banks of one row a class.

    out = norm(x) * Gamma[m] + Beta[m], x (N,C,H,W). With ``edges`` a learned a*E + b of the edge map E is appended as
    one more channel. A soft label map mixes the rows by its probabilities.
    """

    fuses_activation = True
    needs = frozenset({"classes"})
    uses_scales = False

    def __init__(self, channels: int, num_classes: int, base: BaseNorm = batch_norm, *, edges: bool = False) -> None:
        super().__init__(channels, num_classes, base)
        # no "1 +": CLADE's table starts in U(0,1), unlike SPADE's residual gamma
        self.gamma = nn.Parameter(torch.rand(num_classes, channels))
        self.beta = nn.Parameter(torch.zeros(num_classes, channels))
        self.edge = nn.Conv2d(1, 1, 1) if edges else None
        self.out_channels = channels + edges

    @staticmethod
    def _rows(table: Tensor, view: Semantics) -> Tensor:
        """Rows of table (K,C) by class -> (N,C,H,W)."""
        if view.probabilities is not None:
            return torch.einsum("nkhw,kc->nchw", view.probabilities.to(table.dtype), table)
        return F.embedding(view.labels, table).permute(0, 3, 1, 2)

    def modulation(self, semantics: Semantics) -> tuple[Tensor, Tensor]:
        """Gamma and beta, each (N,C,H,W), of the view given."""
        return self._rows(self.gamma, semantics), self._rows(self.beta, semantics)

    def appended(self, view: Semantics) -> Tensor | None:
        """Channels (N,E,H,W) that follow the modulated ones: the edge feature."""
        if self.edge is None:
            return None
        # a 1x1 convolution of one channel to one, without the price of a convolution
        bias: Any = self.edge.bias
        return torch.addcmul(bias, view.require_edges().to(bias.dtype), self.edge.weight[0])

    def scales(self, view: Semantics) -> Tensor | None:
        """Factors (P,2) of gamma and of beta at each pixel, None where they are 1."""
        return None

    def tables(self, view: Semantics) -> Modulation | None:
        """The banks, read by class; None for a soft map."""
        if view.probabilities is not None:
            return None
        extra = self.appended(view)
        return Modulation(self.gamma, self.beta, view.by_class(), self.scales(view),
                          None if extra is None else pixel_rows(extra))

    def folded(self, mean: Tensor, inverse_deviation: Tensor) -> Callable[[Semantics], Rows | None]:
        """What reads the banks, with the statistics in them; no rows for a soft map."""
        factor = self.gamma * inverse_deviation
        varies = self.uses_scales
        table = torch.cat([factor, self.beta if varies else torch.addcmul(self.beta, mean, factor, value=-1)], 1)

        def rows(view: Semantics) -> Rows | None:
            if view.probabilities is not None:
                return None
            extra = self.appended(view)
            return Rows(table, view.by_class().index, mean if varies else None, self.scales(view),
                        None if extra is None else pixel_rows(extra))

        return rows

    def fused(self, x: Tensor, semantics: Semantics) -> Modulation | None:
        """The tables, where the fused functions serve x (N,C,H,W); None otherwise."""
        return self.tables(semantics.at(*x.shape[-2:])) if fast_path(x, self.gamma, self.base) else None

    def forward(self, x: Tensor, semantics: Semantics, slope: float = 1.0) -> Tensor:
        """Normalise, modulate by class, append the edge feature where there is one, LeakyReLU with ``slope``."""
        if (tables := self.fused(x, semantics)) is not None:
            return modulate(x, tables, Setting(self.base, slope, self.compiled))
        view = semantics.at(*x.shape[-2:])
        gamma, beta = self.modulation(view)
        out, extra = torch.addcmul(beta, self.base(x), gamma), self.appended(view)
        out = out if extra is None else torch.cat([out, extra.to(out)], 1)
        return out if slope == 1 else F.leaky_relu(out, slope)


class CLADE_ICPE(CLADE):
    """CLADE with intra-class positional encoding (arXiv:2012.04644, Eq. 15), the paper's "+distp".

    gamma~ = gamma * (1 + C_gamma(d)), beta~ = beta * (1 + C_beta(d)): C are 1x1 convolutions of the offsets d
    (N,2,H,W) to one channel each. With ``zero_start`` they are zero at the start, so that it starts as CLADE: the
    authors mean it so, but the initialisation of their code gives them Xavier's numbers like all convolutions.
    """

    uses_offsets = True
    uses_scales = True

    def __init__(self, channels: int, num_classes: int, base: BaseNorm = batch_norm, *, edges: bool = False,
                 zero_start: bool = True) -> None:
        super().__init__(channels, num_classes, base, edges=edges)
        convolution = ZeroConv2d if zero_start else nn.Conv2d
        self.position_gamma = convolution(2, 1, 1)
        self.position_beta = convolution(2, 1, 1)

    def scales(self, view: Semantics) -> Tensor:
        """1 + C_gamma(d) and 1 + C_beta(d) at each pixel, (P,2)."""
        weight = torch.cat([self.position_gamma.weight, self.position_beta.weight]).flatten(1)
        bias = torch.cat([self.position_gamma.bias, self.position_beta.bias])  # type: ignore[list-item]
        with autocast(weight.device, None):
            return torch.addmm(1 + bias, pixel_rows(view.require_offsets().to(weight.dtype)), weight.t())

    def modulation(self, semantics: Semantics) -> tuple[Tensor, Tensor]:
        """Gamma and beta of CLADE, each scaled by position."""
        n, h, w = semantics.labels.shape
        scales = self.scales(semantics).view(n, h, w, 2).permute(0, 3, 1, 2)
        gamma, beta = super().modulation(semantics)
        return gamma * scales[:, :1], beta * scales[:, 1:]


class CLADE_DISTF(CLADE):
    """The ablation "+distf" (arXiv:2012.04644, Table VII): a 1x1 convolution of the offsets as one more channel.

    The paper does not state the number of channels; one, by analogy with the edge feature. It comes last.
    """

    uses_offsets = True

    def __init__(self, channels: int, num_classes: int, base: BaseNorm = batch_norm, *, edges: bool = False) -> None:
        super().__init__(channels, num_classes, base, edges=edges)
        self.position = nn.Conv2d(2, 1, 1)
        self.out_channels += 1

    def appended(self, view: Semantics) -> Tensor:
        """The edge feature, if any, and the position feature."""
        offsets = view.require_offsets().to(self.position.weight.dtype)
        position, edge = self.position(offsets), super().appended(view)
        return position if edge is None else torch.cat([edge, position], 1)
