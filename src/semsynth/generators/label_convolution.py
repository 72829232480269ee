"""3x3 convolutions of label maps: what labels add to a pixel is a row of a small table."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.modulation.sums import sum_of_rows
from semsynth.norms.base import tables_apply
from semsynth.norms.label_network import label_rows
from semsynth.semantics import Semantics
from semsynth.semantics.patches import Patches


class LabelConv2d(nn.Conv2d):
    """A 3x3 convolution of a one-hot label map, its instance edges and more features: -> (N,out_channels,H,W).

    What labels and edges add follows from the 3x3 patch of labels around a pixel. Where the label map is prepared and
    its patches repeat, it is summed once for each distinct patch: the same numbers for less, and no one-hot map.

    >>> from semsynth.semantics import Reading
    >>> labels = torch.arange(32).expand(1, 32, 32) // 16
    >>> layer, features = LabelConv2d(2, 4, features=3), torch.randn(1, 3, 32, 32)
    >>> plain = layer(Semantics(labels, 2), features)
    >>> fast = layer(Semantics(labels, 2).prepare([Reading(32, 32, layer.needs)]), features)
    >>> tuple(fast.shape), torch.allclose(fast, plain, atol=1e-5)
    ((1, 4, 32, 32), True)

    Args:
        num_classes: Label channels, the unknown class included.
        out_channels: Of the result.
        edges: Whether the instance edges are one more channel.
        features: Channels that follow these.
        bias: Whether there is one.
    """

    class_indexed = {"weight": 1}

    def __init__(self, num_classes: int, out_channels: int, *, edges: bool = False, features: int = 0,
                 bias: bool = True) -> None:
        super().__init__(num_classes + edges + features, out_channels, 3, padding=1, bias=bias)
        self.edges, self.label_channels = edges, num_classes + edges
        self.needs = frozenset({"patches with edges" if edges else "patches"})

    def forward(self, view: Semantics, features: Tensor | None = None) -> Tensor:  # type: ignore[override]
        """Convolve a view of label maps, and features (N,F,H,W) of its size."""
        weight = self.weight
        patches = view.patches(edges=self.edges) if tables_apply(weight, weight) else None
        if patches is None:
            labels = view.one_hot(edges=self.edges, dtype=weight.dtype)
            x = labels if features is None else torch.cat([labels, features.to(labels)], 1)
            return F.conv2d(x, weight, self.bias, padding=1)
        rows = label_rows(weight[:, :self.label_channels], edges=self.edges)
        added = _by_patch(rows, self.bias, patches, view)
        if features is None:
            return added
        return added + F.conv2d(features, weight[:, self.label_channels:], padding=1)


def _by_patch(rows: Tensor, bias: Tensor | None, patches: Patches, view: Semantics) -> Tensor:
    """(N,D,H,W), summed for each distinct 3x3 patch of labels, then read at every pixel."""
    sums = sum_of_rows(rows, patches.codes, patches.codes_back)
    middle = patches.near[:, 4:5] // 9  # the 3x3 patch in the middle of each 5x5 patch
    table = sum_of_rows(sums if bias is None else sums + bias, middle)
    pixels = sum_of_rows(table, patches.lookup.index[:, None], patches.lookup)
    return pixels.view(*view.labels.shape, -1).permute(0, 3, 1, 2)
