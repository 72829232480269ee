"""SPADE: spatially-adaptive normalisation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.modulation.autograd import Modulation, Setting, modulate
from semsynth.modulation.sums import sum_of_rows
from semsynth.modulation.table import KEPT_ELEMENTS, Rows
from semsynth.norms.base import BaseNorm, Norm, batch_norm, fast_path, tables_apply
from semsynth.semantics import Semantics
from semsynth.semantics.patches import Patches

# Pixels of a map up to which a GPU convolves instead of making tables of patches: by arithmetic, not measured. Tables
# write and read 9*2*C values for each distinct patch, at this size about a quarter of the pixels, which takes the time
# of the convolutions in tensor cores; at 256x256, where they are 6% of the pixels, a quarter of it.
DENSE_PIXELS = 64 * 64


def _bias(layer: Any) -> Tensor:
    return layer.bias


@dataclass(eq=False)
class PatchNetwork:
    """Two 3x3 convolutions of a label map, with ReLU between them, on its distinct patches: (R,D) for R 5x5 patches.

    Shapes:
        rows: (9*codes,hidden), what each code adds at each position of a 3x3 window, the code beyond the border last.
        hidden_bias: (hidden,).
        weight: (hidden,9*D), what a 3x3 patch adds at each of the nine places where it can lie in a 5x5 patch.
        bias: (D,).
    """

    rows: Tensor
    hidden_bias: Tensor
    weight: Tensor
    bias: Tensor

    def __call__(self, patches: Patches) -> Tensor:
        """Run it on every distinct patch."""
        features = F.relu(sum_of_rows(self.rows, patches.codes, patches.codes_back) + self.hidden_bias)
        width = len(self.bias)
        # every 5x5 patch has one middle, so that the bias may stand there
        placed = torch.addmm(F.pad(self.bias, (4 * width, 4 * width)), F.pad(features, (0, 0, 0, 1)), self.weight)
        return sum_of_rows(placed.view(-1, width), patches.near, patches.near_back).to(self.bias.dtype)


class SPADE(Norm):
    """SPADE (arXiv:1903.07291): gamma and beta are convolutions of the label map.

    out = norm(x) * (1 + gamma(m)) + beta(m), x (N,C,H,W). A shared k x k convolution of the one-hot map (and the
    instance edges) to ``hidden`` channels with ReLU feeds two k x k convolutions to C channels. No spectral norm here.

    With k = 3, gamma and beta depend on the 5x5 patch of labels around a pixel only. Where the label map is prepared
    and its patches repeat, they are computed once for each distinct patch: the same numbers for less.

    Raises:
        ValueError: the kernel size is even, or edges are wanted and absent.
    """

    fuses_activation = True

    def __init__(self, channels: int, num_classes: int, base: BaseNorm = batch_norm, *, edges: bool = False,
                 hidden: int = 128, kernel_size: int = 3) -> None:
        super().__init__(channels, num_classes, base)
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd to keep the map's size, got {kernel_size}")
        self.edges = edges
        if kernel_size == 3:
            self.needs = frozenset({"patches with edges" if edges else "patches"})
        pad = kernel_size // 2
        self.shared = nn.Conv2d(num_classes + edges, hidden, kernel_size, padding=pad)
        self.gamma = nn.Conv2d(hidden, channels, kernel_size, padding=pad)
        self.beta = nn.Conv2d(hidden, channels, kernel_size, padding=pad)

    def needed(self, h: int, w: int) -> frozenset[str]:
        """Patches, but on a GPU those of large maps only."""
        return frozenset() if self.shared.weight.is_cuda and h * w <= DENSE_PIXELS else self.needs

    def modulation(self, semantics: Semantics) -> tuple[Tensor, Tensor]:
        """Gamma and beta, each (N,C,H,W), of the view given."""
        hidden = self._hidden(semantics)
        return self.gamma(hidden), self.beta(hidden)

    def _hidden(self, view: Semantics) -> Tensor:
        return F.relu(self.shared(view.one_hot(edges=self.edges, dtype=self.shared.weight.dtype)))

    def tables(self, view: Semantics) -> Modulation | None:
        """1 + gamma and beta of every distinct patch; None where the view holds no patches."""
        patches = view.patches(edges=self.edges) if self.needs else None
        if patches is None:
            return None
        # "1 +": the last convolution starts near zero, so that training starts from the plain norm.
        gamma, beta = self._network(self.gamma.weight, 1 + _bias(self.gamma), self.beta.weight,
                                    _bias(self.beta))(patches).chunk(2, 1)
        return Modulation(gamma, beta, patches.lookup)

    def _network(self, factor: Tensor, factor_bias: Tensor, shift: Tensor, shift_bias: Tensor) -> PatchNetwork:
        """The shared layer, and two more with these weights (C,hidden,3,3) and biases (C,), side by side."""
        hidden = self.shared.out_channels
        rows = self.shared.weight.permute(2, 3, 1, 0).reshape(9, -1, hidden)
        if self.edges:
            classes, edge = rows[:, :-1], rows[:, -1:]
            rows = torch.cat([classes, classes + edge], 1)
        rows = F.pad(rows, (0, 0, 0, 1)).flatten(0, 1)  # a convolution sees zeros beyond the border
        weight = torch.cat([factor, shift]).permute(1, 2, 3, 0).reshape(hidden, -1)
        return PatchNetwork(rows, _bias(self.shared), weight, torch.cat([factor_bias, shift_bias]))

    def folded(self, mean: Tensor, inverse_deviation: Tensor) -> Callable[[Semantics], Rows | None]:
        """What looks up factors and shifts by patch; by pixel on small maps whose patches hardly repeat."""
        column = inverse_deviation[:, None, None, None]
        factor, factor_bias = self.gamma.weight * column, (1 + _bias(self.gamma)) * inverse_deviation
        shift = self.beta.weight - factor * mean[:, None, None, None]
        shift_bias = _bias(self.beta) - factor_bias * mean
        network = self._network(factor, factor_bias, shift, shift_bias) if self.needs else None
        weight, bias = torch.cat([factor, shift]), torch.cat([factor_bias, shift_bias])

        def rows(view: Semantics) -> Rows | None:
            patches = view.patches(edges=self.edges)
            if network is not None and patches is not None:
                return Rows(network(patches), patches.lookup.index)
            if view.probabilities is not None or (view.labels.device.type == "cpu"
                                                  and 2 * self.channels * view.labels.numel() > KEPT_ELEMENTS):
                return None
            return Rows.of_pixels(F.conv2d(self._hidden(view), weight, bias, padding=self.gamma.padding))

        return rows

    def fused(self, x: Tensor, semantics: Semantics) -> Modulation | None:
        """The tables, where the fused functions serve x (N,C,H,W); None otherwise."""
        return self.tables(semantics.at(*x.shape[-2:])) if fast_path(x, self.shared.weight, self.base) else None

    def forward(self, x: Tensor, semantics: Semantics, slope: float = 1.0) -> Tensor:
        """Normalise, modulate with the label map at x's size, LeakyReLU with ``slope``."""
        if (tables := self.fused(x, semantics)) is not None:
            return modulate(x, tables, Setting(self.base, slope, self.compiled))
        view = semantics.at(*x.shape[-2:])
        tables = self.tables(view) if tables_apply(x, self.shared.weight) else None
        if tables is not None:
            index = tables.lookup.index.view_as(view.labels)
            gamma, beta = (F.embedding(index, rows).permute(0, 3, 1, 2) for rows in (tables.gamma, tables.beta))
        else:
            gamma, beta = self.modulation(view)
            gamma = 1 + gamma
        out = torch.addcmul(beta, self.base(x), gamma)
        return out if slope == 1 else F.leaky_relu(out, slope)
