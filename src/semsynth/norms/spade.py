"""SPADE: spatially-adaptive normalisation."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from semsynth.modulation.modulation import Modulation
from semsynth.modulation.table import Rows
from semsynth.norms.base import BaseNorm, Norm, batch_norm
from semsynth.norms.label_network import ConstantLabelNetwork, PatchNetwork, hidden_features
from semsynth.semantics import Semantics

# Pixels of a map up to which a GPU convolves instead of making tables of patches: by arithmetic, not measured. Tables
# write and read 9*2*C values for each distinct patch, at this size about a quarter of the pixels, which takes the time
# of the convolutions in tensor cores; at 256x256, where they are 6% of the pixels, a quarter of it.
DENSE_PIXELS = 64 * 64


class SPADE(Norm):
    """SPADE (arXiv:1903.07291): gamma and beta are convolutions of the label map.

    out = norm(x) * (1 + gamma(m)) + beta(m), x (N,C,H,W). A shared k x k convolution of the one-hot map (and the
    instance edges) to `hidden` channels with ReLU feeds two k x k convolutions to C channels. No spectral norm here.

    With k = 3, gamma and beta depend on the 5x5 patch of labels around a pixel only. Where the label map is prepared
    and its patches repeat, they are computed once for each distinct patch: the same numbers for less.

    >>> from semsynth.semantics import Semantics
    >>> labels = torch.zeros(1, 16, 16, dtype=torch.int64)
    >>> other = labels.index_fill(1, torch.tensor(8), 1)  # row 8 is of class 1
    >>> norm, x = SPADE(channels=4, num_classes=2).eval(), torch.randn(1, 4, 16, 16)
    >>> change = norm(x, Semantics(other, 2)) - norm(x, Semantics(labels, 2))
    >>> (change.abs().amax((0, 1, 3)) > 1e-5).nonzero().flatten().tolist()  # rows within two pixels
    [6, 7, 8, 9, 10]

    Raises:
        ValueError: the kernel size is even, or edges are wanted and absent.
    """

    residual = True  # the last convolution starts near zero, so that training starts from the plain norm
    linear_in = ("gamma", "beta")
    class_indexed = {"shared.weight": 1}

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

    @property
    def reach(self) -> int:
        """Two convolutions, one behind the other."""
        size: tuple[int, ...] = self.shared.kernel_size
        return size[0] // 2 * 2

    def needed(self, h: int, w: int) -> frozenset[str]:
        """Patches, but on a GPU those of large maps only."""
        return frozenset() if self.shared.weight.is_cuda and h * w <= DENSE_PIXELS else self.needs

    def modulation(self, view: Semantics, style: Any = None) -> tuple[Tensor, Tensor]:
        """Both convolutions at every pixel."""
        hidden = hidden_features(self.shared, view, edges=self.edges)
        return self.gamma(hidden), self.beta(hidden)

    def tables(self, view: Semantics, style: Any = None) -> Modulation | None:
        """1 + gamma and beta of every distinct patch; None where the view holds no patches."""
        patches = view.patches(edges=self.edges) if self.needs else None
        if patches is None:
            return None
        gamma, beta = PatchNetwork.of(self.shared, *self._outputs(), edges=self.edges)(patches).chunk(2, 1)
        return Modulation(gamma, beta, patches.lookup)

    def folded(self) -> Callable[[Semantics], Rows | None] | None:
        """With the statistics in the convolutions, which are fewer numbers than tables of patches."""
        clones: dict[int, Any] = {id(x): nn.Parameter(x.detach().clone(), False) for x in self.parameters()}
        clones |= {id(x): x.clone() for x in self.buffers()}
        norm = copy.deepcopy(self, clones)  # tensors of a fake mode would be copied with their mode
        return ConstantLabelNetwork(norm.shared, *norm._outputs(), edges=self.edges,
                                    by_patch=bool(self.needs)) if norm.fold_() else None

    def _outputs(self) -> tuple[Tensor, Tensor]:
        """Weight (2*C,hidden,k,k) and bias (2*C,) of one convolution to the whole factor and beta."""
        factor: Any = self.gamma.bias
        shift: Any = self.beta.bias
        return (torch.cat([self.gamma.weight, self.beta.weight]),
                torch.cat([1 + factor if self.residual else factor, shift]))
