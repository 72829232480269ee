"""Two convolutions of a label map with ReLU between them: at every pixel, or once for each distinct patch of labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.modulation.sums import sum_of_rows
from semsynth.modulation.table import KEPT_ELEMENTS, Rows
from semsynth.semantics import Semantics
from semsynth.semantics.patches import Patches


def hidden_features(shared: nn.Conv2d, view: Semantics, *, edges: bool) -> Tensor:
    """The first convolution and its ReLU: (N,hidden,H,W)."""
    return F.relu(shared(view.one_hot(edges=edges, dtype=shared.weight.dtype)))


def label_rows(weight: Tensor, *, edges: bool) -> Tensor:
    """What each code of a label map adds at each position of a 3x3 window: weight (D,K[+1],3,3) -> (9*codes,D).

    The code beyond the border, where a convolution sees zeros, is the last one.
    """
    rows = weight.permute(2, 3, 1, 0).reshape(9, -1, len(weight))
    if edges:
        classes, edge = rows[:, :-1], rows[:, -1:]
        rows = torch.cat([classes, classes + edge], 1)
    return F.pad(rows, (0, 0, 0, 1)).flatten(0, 1)


@dataclass(eq=False)
class PatchNetwork:
    """Two 3x3 convolutions of a label map, with ReLU between them, on its distinct patches: (R,D) for R 5x5 patches.

    >>> from semsynth.semantics import Reading
    >>> labels = torch.arange(32).expand(1, 32, 32) // 16  # two halves: few patches are distinct
    >>> semantics = Semantics(labels, 2).prepare([Reading(32, 32, {"patches"})])
    >>> shared, second, patches = nn.Conv2d(2, 8, 3), nn.Conv2d(8, 4, 3), semantics.patches(edges=False)
    >>> out = PatchNetwork.of(shared, second.weight, second.bias, edges=False)(patches)
    >>> tuple(out[patches.lookup.index].shape), len(out) < 32 * 32  # of 1024 pixels, computed for fewer patches
    ((1024, 4), True)

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

    @classmethod
    def of(cls, shared: nn.Conv2d, weight: Tensor, bias: Tensor, *, edges: bool) -> PatchNetwork:
        """Of the first layer, and the weight (D,hidden,3,3) and the bias (D,) of the second."""
        hidden, hidden_bias = shared.out_channels, shared.bias
        assert hidden_bias is not None
        rows = label_rows(shared.weight, edges=edges)
        return cls(rows, hidden_bias, weight.permute(1, 2, 3, 0).reshape(hidden, -1), bias)

    def __call__(self, patches: Patches) -> Tensor:
        """Run it on every distinct patch."""
        features = F.relu(sum_of_rows(self.rows, patches.codes, patches.codes_back) + self.hidden_bias)
        placed = self.placed(F.pad(features, (0, 0, 0, 1)))
        return sum_of_rows(placed.view(-1, len(self.bias)), patches.near, patches.near_back).to(self.bias.dtype)

    def placed(self, features: Tensor) -> Tensor:
        """What features (S,hidden) of 3x3 patches add at each of nine places, (S,9*D), the bias in the middle."""
        width = len(self.bias)
        # every 5x5 patch has one middle, so that the bias may stand there
        return torch.addmm(F.pad(self.bias, (4 * width, 4 * width)), features, self.weight)


class ConstantLabelNetwork:
    """The network with weights that change no more, in the layouts in which they are read: what makes rows of views.

    >>> shared, weight, bias = nn.Conv2d(2, 8, 3, padding=1), torch.zeros(6, 8, 3, 3), torch.arange(6.0)
    >>> rows_of = ConstantLabelNetwork(shared, weight, bias, edges=False, by_patch=False)
    >>> rows_of(Semantics(torch.zeros(1, 4, 4, dtype=torch.int64), 2)).table[0].tolist()  # three factors, three shifts
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]

    Args:
        shared: The first convolution.
        weight, bias: (2*C,hidden,k,k) and (2*C,) of the second, to factors and shifts.
        edges: Whether the instance edges are one more input.
        by_patch: Whether label maps hold patches for it.
    """

    def __init__(self, shared: nn.Conv2d, weight: Tensor, bias: Tensor, *, edges: bool, by_patch: bool) -> None:
        self.shared, self.weight, self.bias, self.edges = shared, weight, bias, edges
        self.network = PatchNetwork.of(shared, weight, bias, edges=edges) if by_patch else None

    def __call__(self, view: Semantics) -> Rows | None:
        """By patch; by pixel on small maps whose patches hardly repeat."""
        patches = view.patches(edges=self.edges)
        if self.network is not None and patches is not None:
            return Rows(self.network(patches), patches.lookup.index)
        if view.probabilities is not None or (view.labels.device.type == "cpu"
                                              and len(self.bias) * view.labels.numel() > KEPT_ELEMENTS):
            return None
        padding: Any = self.shared.padding
        hidden = hidden_features(self.shared, view, edges=self.edges)
        return Rows.of_pixels(F.conv2d(hidden, self.weight, self.bias, padding=padding))
