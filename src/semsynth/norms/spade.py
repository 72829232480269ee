"""SPADE: spatially-adaptive normalisation."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.lookup import Lookup
from semsynth.norms.base import BaseNorm, Norm, batch_norm, fast_path, tables_apply
from semsynth.norms.fused import Modulation, modulate, pixel_rows
from semsynth.patches import sum_of_rows
from semsynth.semantics import Semantics


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

    def modulation(self, semantics: Semantics) -> tuple[Tensor, Tensor]:
        """Gamma and beta, each (N,C,H,W), of the view given."""
        hidden = F.relu(self.shared(semantics.one_hot(edges=self.edges, dtype=self.shared.weight.dtype)))
        return self.gamma(hidden), self.beta(hidden)

    def tables(self, view: Semantics) -> Modulation | None:
        """1 + gamma and beta of every distinct patch; None where the view holds no patches."""
        patches = view.patches(edges=self.edges) if self.needs else None
        if patches is None:
            return None
        hidden = self.shared.out_channels
        rows = self.shared.weight.permute(2, 3, 1, 0).reshape(9, -1, hidden)
        if self.edges:
            classes, edge = rows[:, :-1], rows[:, -1:]
            rows = torch.cat([classes, classes + edge], 1)
        rows = F.pad(rows, (0, 0, 0, 1)).flatten(0, 1)  # a convolution sees zeros beyond the border
        biases: list[Any] = [self.shared.bias, self.gamma.bias, self.beta.bias]
        features = F.relu(sum_of_rows(rows, patches.codes, patches.codes_back) + biases[0])
        # each 3x3 patch times the weights of each of the nine places where it can lie in a 5x5 patch
        weight = torch.cat([self.gamma.weight, self.beta.weight]).permute(1, 2, 3, 0).reshape(hidden, -1)
        placed = (F.pad(features, (0, 0, 0, 1)) @ weight).view(-1, 2 * self.channels)
        gamma, beta = sum_of_rows(placed, patches.near, patches.near_back).chunk(2, 1)
        # "1 +": the last convolution starts near zero, so that training starts from the plain norm.
        return Modulation(gamma + (1 + biases[1]), beta + biases[2], patches.lookup)

    def fused(self, x: Tensor, semantics: Semantics) -> Modulation | None:
        """The tables, where the fused functions serve x (N,C,H,W); None otherwise."""
        return self.tables(semantics.at(*x.shape[-2:])) if fast_path(x, self.shared.weight, self.base) else None

    def per_pixel(self, view: Semantics, every: Lookup) -> Modulation | None:
        """1 + gamma and beta of every pixel; None for a soft map."""
        if view.probabilities is not None:
            return None
        gamma, beta = self.modulation(view)
        return Modulation(pixel_rows(1 + gamma), pixel_rows(beta), every)

    def forward(self, x: Tensor, semantics: Semantics, slope: float = 1.0) -> Tensor:
        """Normalise, modulate with the label map at x's size, LeakyReLU with ``slope``."""
        if (tables := self.fused(x, semantics)) is not None:
            return modulate(x, tables, self.base, slope)
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
