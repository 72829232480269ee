"""CLADE: class-adaptive normalisation, and the positional variants of the same paper."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.layers.init import ZeroConv2d
from semsynth.modulation.modulation import Modulation, pixel_rows
from semsynth.modulation.precision import autocast
from semsynth.norms.base import BaseNorm, Norm, batch_norm
from semsynth.semantics import Semantics


class CLADE(Norm):
    """CLADE (arXiv:2012.04644, Eq. 1-2): gamma and beta are looked up by class in two banks of one row a class.

    out = norm(x) * Gamma[m] + Beta[m], x (N,C,H,W). With `edges` a learned a*E + b of the edge map E is appended as
    one more channel. A soft label map mixes the rows by its probabilities.

    >>> from semsynth.semantics import Semantics
    >>> labels = torch.arange(16).expand(1, 16, 16) // 8  # class 0 left, class 1 right
    >>> norm, x = CLADE(channels=4, num_classes=2).eval(), torch.randn(1, 4, 16, 16)
    >>> before = norm(x, Semantics(labels, 2))
    >>> norm.gamma.data[1] += 1  # of class 1 alone
    >>> torch.equal((norm(x, Semantics(labels, 2)) != before).any(1), labels == 1)
    True
    """

    needs = frozenset({"classes"})
    linear_in = ("gamma", "beta")
    class_indexed = {"gamma": 0, "beta": 0}

    def __init__(self, channels: int, num_classes: int, base: BaseNorm = batch_norm, *, edges: bool = False) -> None:
        super().__init__(channels, num_classes, base)
        # no "1 +": CLADE's table starts in U(0,1), unlike SPADE's residual gamma
        self.gamma = nn.Parameter(torch.rand(num_classes, channels))
        self.beta = nn.Parameter(torch.zeros(num_classes, channels))
        self.edge = nn.Conv2d(1, 1, 1) if edges else None
        self.out_channels = channels + edges

    def modulation(self, view: Semantics, style: Any = None) -> tuple[Tensor, Tensor]:
        """The rows of the banks, by class at every pixel."""
        return _rows(self.gamma, view), _rows(self.beta, view)

    def tables(self, view: Semantics, style: Any = None) -> Modulation | None:
        """The banks, read by class; None for a soft map."""
        return Modulation(self.gamma, self.beta, view.by_class()) if view.probabilities is None else None

    def appended(self, view: Semantics) -> Tensor | None:
        """The edge feature (N,1,H,W)."""
        if self.edge is None:
            return None
        # a 1x1 convolution of one channel to one, without the price of a convolution
        bias: Any = self.edge.bias
        return torch.addcmul(bias, view.require_edges().to(bias.dtype), self.edge.weight[0])


def _rows(table: Tensor, view: Semantics) -> Tensor:
    """Rows of table (K,C) by class -> (N,C,H,W)."""
    if view.probabilities is not None:
        return torch.einsum("nkhw,kc->nchw", view.probabilities.to(table.dtype), table)
    return F.embedding(view.labels, table).permute(0, 3, 1, 2)


class CLADE_ICPE(CLADE):
    """CLADE with intra-class positional encoding (arXiv:2012.04644, Eq. 15), the paper's "+distp".

    gamma~ = gamma * (1 + C_gamma(d)), beta~ = beta * (1 + C_beta(d)): C are 1x1 convolutions of the offsets d
    (N,2,H,W) to one channel each. With `zero_start` they are zero at the start, so that it starts as CLADE: the
    authors mean it so, but the initialisation of their code gives them Xavier's numbers like all convolutions.

    >>> from semsynth.semantics import Semantics
    >>> offsets = torch.stack([torch.zeros(3, 3), torch.tensor([-1.0, 0.0, 1.0]).expand(3, 3)])[None]  # to the right
    >>> norm = CLADE_ICPE(channels=4, num_classes=2)
    >>> norm.position_gamma.weight.data[0, 1] = 1  # reads the horizontal offset
    >>> gamma, beta = norm.modulation(Semantics(torch.zeros(1, 3, 3, dtype=torch.int64), 2, offsets=offsets))
    >>> (gamma[0, 0, 0] / norm.gamma[0, 0]).tolist()
    [0.0, 1.0, 2.0]
    """

    uses_offsets = True
    uses_scales = True
    operations = 4

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

    def modulation(self, view: Semantics, style: Any = None) -> tuple[Tensor, Tensor]:
        """Gamma and beta of CLADE, each scaled by position."""
        n, h, w = view.labels.shape
        of_gamma, of_beta = self.scales(view).view(n, 1, h, w, 2).unbind(-1)
        gamma, beta = super().modulation(view)
        return gamma * of_gamma, beta * of_beta

    def tables(self, view: Semantics, style: Any = None) -> Modulation | None:
        """The banks of CLADE, with scales by position."""
        tables = super().tables(view)
        return tables and replace(tables, scales=self.scales(view))


class CLADE_DISTF(CLADE):
    """The ablation "+distf" (arXiv:2012.04644, Table VII): a 1x1 convolution of the offsets as one more channel.

    The paper does not state the number of channels; one, by analogy with the edge feature. It comes last.

    >>> from semsynth.semantics import Semantics
    >>> semantics = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2, offsets=torch.rand(1, 2, 16, 16))
    >>> tuple(CLADE_DISTF(channels=4, num_classes=2)(torch.randn(1, 4, 16, 16), semantics).shape)
    (1, 5, 16, 16)
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
