"""SPADE that reads noise beside the label map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.modulation.modulation import Modulation
from semsynth.modulation.table import Rows
from semsynth.norms.base import BaseNorm, batch_norm
from semsynth.norms.label_network import PatchNetwork
from semsynth.norms.noise import codes_by_class, noise_map
from semsynth.norms.spade import SPADE
from semsynth.semantics import Semantics


class SPADE_Noise(SPADE):
    """SPADE as in OASIS (arXiv:2012.04781): the first convolution reads the one-hot map and `noise` channels more.

    The noise is the style: a vector for the whole picture as published, codes by class, or any map of noise. With the
    first two, gamma and beta follow from the 5x5 patch of labels around a pixel and from which picture it is in: the
    noise adds a bias for each picture (and class) to the rows that a patch is looked up in. So they are computed once
    for each distinct patch of each picture, which is exact at the border as well.

    >>> from semsynth.style import Style
    >>> norm, x = SPADE_Noise(channels=4, num_classes=2, noise=3).eval(), torch.randn(2, 4, 16, 16)
    >>> semantics = Semantics(torch.zeros(2, 16, 16, dtype=torch.int64), 2)
    >>> a, b = (norm(x, semantics, Style(vector=z)) for z in torch.randn(2, 2, 3))
    >>> torch.equal(a, b)
    False

    Raises:
        ValueError: the kernel size is even.
    """

    reads_style = True

    def __init__(self, channels: int, num_classes: int, base: BaseNorm = batch_norm, *, noise: int = 64,
                 hidden: int = 128, kernel_size: int = 3) -> None:
        super().__init__(channels, num_classes, base, hidden=hidden, kernel_size=kernel_size)
        self.noise = self.class_codes = noise
        if kernel_size == 3:
            self.needs = frozenset({"patches by picture"})
        self.shared = nn.Conv2d(num_classes + noise, hidden, kernel_size, padding=kernel_size // 2)

    def modulation(self, view: Semantics, style: Any = None) -> tuple[Tensor, Tensor]:
        """All convolutions at every pixel."""
        classes = view.one_hot(dtype=self.shared.weight.dtype)
        condition = torch.cat([classes, noise_map(style, view, self.noise).to(classes)], 1)
        hidden = F.relu(self.shared(condition))
        return self.gamma(hidden), self.beta(hidden)

    def tables(self, view: Semantics, style: Any = None) -> Modulation | None:
        """1 + gamma and beta of every distinct patch of each picture; None without patches, or for a map of noise."""
        patches = view.patches(by_picture=True) if self.needs else None
        if patches is None or (codes := codes_by_class(style, self.noise)) is None:
            return None
        bias = self.shared.bias
        assert bias is not None
        weight, second_bias = self._outputs()
        second = weight.permute(1, 2, 3, 0).reshape(len(bias), -1)
        gamma, beta = PatchNetwork(self._rows(codes), bias, second, second_bias)(patches).chunk(2, 1)
        return Modulation(gamma, beta, patches.lookup)

    def _rows(self, codes: Tensor) -> Tensor:
        """What each class of each picture adds at each position of a 3x3 window, (9*(N*K+1),hidden)."""
        weight = self.shared.weight
        classes, noise = weight.permute(2, 3, 1, 0).reshape(9, -1, len(weight)).split([self.num_classes, self.noise], 1)
        rows = classes[:, None] + torch.einsum("nkz,pzh->pnkh", codes.to(weight), noise)
        return F.pad(rows.flatten(1, 2), (0, 0, 0, 1)).flatten(0, 1)  # a convolution sees zeros beyond the border

    def folded(self) -> Callable[[Semantics], Rows | None] | None:
        """None: the rows are not the label map's alone."""
        return None
