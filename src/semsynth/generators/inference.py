"""The SPADE generator for drawing only: everything that does not depend on the input folded away."""

from __future__ import annotations

import copy
from typing import Any, cast
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.blocks import ResBlock
from semsynth.generators.convolution import InferenceConv2d
from semsynth.norms.base import Norm
from semsynth.norms.folded import FoldedTables, fold, modulate_folded
from semsynth.semantics import Reading, Semantics


class _Kept:
    """What norms read for a label map, as long as it lives: many styles of one map cost the convolutions alone."""

    def __init__(self, *norms: Norm) -> None:
        self.norms = norms
        self.tables: WeakKeyDictionary[Semantics, FoldedTables | None] = WeakKeyDictionary()

    def of(self, view: Semantics, images: int) -> FoldedTables | None:
        """Tables of all the norms, folded into one, for so many images; None where a norm has none for this view."""
        if view not in self.tables:
            self.tables[view] = fold(self.norms, view)
        tables = self.tables[view]
        return tables if tables is None or images == len(view) else tables.repeat(images // len(view))


class FoldedGenerator(nn.Module):
    """A SPADE or CLADE generator in evaluation mode, with the same pictures to rounding for less time and memory.

    Batch-norm statistics are part of the norms' tables and spectral norms of the weights; LeakyReLU and nearest
    upsampling happen while a norm reads, so that no upsampled copy exists; the norms of a block's shortcut and main
    path read their tables together; convolutions run channels-last. The tables of a label map are kept as long as its
    prepared :class:`Semantics` lives: calls with the same one compute no modulation. Norms over other
    statistics than those of a batch norm run as they are.

    A copy: it follows neither training nor ``load_state_dict`` of the generator it was made from.

    Args:
        generator: a :class:`semsynth.generators.spade.SPADEGenerator`.
    """

    def __init__(self, generator: Any) -> None:
        super().__init__()
        network = copy.deepcopy(generator).eval().requires_grad_(False)
        for parent in [module for module in network.modules() if not isinstance(module, Norm)]:
            for name, child in parent.named_children():
                if isinstance(child, nn.Conv2d):
                    setattr(parent, name, InferenceConv2d(child))
        self.network = network
        self.z_dim, self.size, self.edges = generator.z_dim, generator.size, generator.edges
        self._kept = {}
        for name, block in network.blocks.items():
            first = [block.norm_0] if block.norm_s is None else [block.norm_0, block.norm_s]
            self._kept[name] = (_Kept(*first), _Kept(block.norm_1))

    def feature_sizes(self, h: int, w: int) -> list[Reading]:
        """All sizes at which the label map of an (h, w) image is read, smallest first."""
        return self.network.feature_sizes(h, w)

    def start_size(self, h: int, w: int) -> tuple[int, int]:
        """Size of the start grid for an image of (h, w)."""
        return self.network.start_size(h, w)

    @torch.no_grad()
    def forward(self, semantics: Semantics, z: Tensor | None = None) -> Tensor:
        """Prepared label maps (and style vectors) to images (N,out_channels,H,W) in [-1, 1].

        N style vectors may go with a single label map: everything that follows from it is made once.
        """
        x = self.network._start(semantics, z)
        for upsample, (name, block) in zip(self.network._upsample, self.network.blocks.items(), strict=True):
            x = self._block(block, *self._kept[name], x, semantics, 1 + upsample)
        return torch.tanh_(self.network.conv_img(F.leaky_relu_(x, 0.2)))

    @staticmethod
    def _block(block: ResBlock, first: _Kept, second: _Kept, x: Tensor, semantics: Semantics, factor: int) -> Tensor:
        """A residual block on x upsampled by ``factor``, which stands in memory nowhere."""
        h, w = x.shape[2] * factor, x.shape[3] * factor
        view, x = semantics.at(h, w), x.contiguous(memory_format=torch.channels_last)
        tables = first.of(view, len(x))
        if tables is None:
            times = len(x) // len(semantics)
            several = view if times == 1 else view.repeat(times).prepare([(h, w)])
            return block(F.interpolate(x, (h, w), mode="nearest") if factor > 1 else x, several)
        slopes = [0.2, 1.0][:len(first.norms)]
        inner, *rest = modulate_folded(x, tables, slopes, factor)
        inner = block.conv_0(inner)
        if (own := second.of(view, len(x))) is not None:
            inner, = modulate_folded(inner.contiguous(memory_format=torch.channels_last), own, [0.2])
        else:
            times = len(x) // len(semantics)
            inner = F.leaky_relu_(block.norm_1(inner, view if times == 1 else view.repeat(times)), 0.2)
        out = block.conv_1(inner)
        if rest:
            return out.add_(cast(nn.Module, block.conv_s)(rest[0]))
        if factor == 1:
            return out.add_(x)
        n, c, low, wide = x.shape
        spread = out.contiguous(memory_format=torch.channels_last).view(n, c, low, factor, wide, factor)
        return spread.add_(x[:, :, :, None, :, None]).view(n, c, h, w)
