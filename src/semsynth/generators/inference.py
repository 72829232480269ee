"""The SPADE generator for drawing only: everything that does not depend on the input folded away."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, cast
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.generators.base import BaseGenerator
from semsynth.generators.blocks import ResBlock
from semsynth.generators.convolution import InferenceConv2d
from semsynth.generators.tiled import draw_in_tiles
from semsynth.generators.tiles import Progress
from semsynth.modulation.precision import autocast
from semsynth.modulation.shared import foldable
from semsynth.modulation.table import Rows, modulate_rows
from semsynth.norms.base import LOW, Norm
from semsynth.semantics import Reading, Semantics
from semsynth.style import Normal, Style


class _Folded:
    """A norm with its statistics folded in, and its rows for every label map as long as that lives."""

    def __init__(self, norm: nn.Module) -> None:
        self.norm = norm
        self.rows: WeakKeyDictionary[Semantics, Rows | None] = WeakKeyDictionary()
        self._rows_of: Callable[[Semantics], Rows | None] | None = None
        self._kind: tuple[torch.dtype, torch.device] | None = None

    @torch.no_grad()
    def of(self, view: Semantics, images: int, dtype: torch.dtype) -> Rows | None:
        """For so many images of features in `dtype`; None where the norm has no rows for this view."""
        base: Any = getattr(self.norm, "base", None)
        if not isinstance(self.norm, Norm) or not foldable(base) or base.running_mean is None:
            return None
        if (kind := (base.running_mean.dtype, base.running_mean.device)) != self._kind:
            self.forget()
            self._kind = kind
        if view in self.rows:
            rows = self.rows[view]
        else:
            # a GPU makes tables in the precision of the features, in tensor cores
            with autocast(base.running_mean.device, dtype if base.running_mean.is_cuda and dtype in LOW else None):
                if self._rows_of is None:
                    self._rows_of = self.norm.folded()
                rows = self._rows_of and self._rows_of(view)
            if rows is None or rows.worth_keeping:
                self.rows[view] = rows
        return rows if rows is None or images == len(view) else rows.repeat(images // len(view))

    def __reduce__(self) -> tuple[type[_Folded], tuple[nn.Module]]:
        return _Folded, (self.norm,)  # rows belong to this process

    def forget(self) -> None:
        """Weights and statistics are others now."""
        self.rows.clear()
        self._rows_of = None


class FoldedGenerator(BaseGenerator):
    """A SPADE or CLADE generator in evaluation mode, with the same pictures to rounding for less time and memory.

    Batch-norm statistics are part of the norms' tables and spectral norms of the weights; LeakyReLU and nearest
    upsampling happen while a norm reads, so that no upsampled copy exists; convolutions run channels-last. The tables
    of a label map are kept as long as its prepared `Semantics` lives: calls with the same one compute no
    modulation. Norms over other statistics than those of a batch norm run as they are.

    A copy: it follows neither training nor `load_state_dict` of the generator it was made from.

    >>> from semsynth.generators.spade import SPADEGenerator
    >>> from semsynth.norms.clade import CLADE
    >>> generator = SPADEGenerator(CLADE, num_classes=2, size=(16, 16), ngf=2, upsamplings=2).eval()
    >>> fast = generator.optimize_for_inference()
    >>> semantics = fast.prepare(Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2))
    >>> torch.allclose(fast(semantics), generator(semantics), atol=1e-5)
    True

    Args:
        generator: A `semsynth.generators.spade.SPADEGenerator`.
        compile: Whether norms and activations run as compiled kernels, once for label maps and batches of any size.
        dtype: Precision of the convolutions and of the features between them; None for that of the generator.
            `torch.bfloat16` is faster where the processor knows it, and not exact: pictures differ by about 1% of
            their range. Statistics keep the precision of the generator, and so do tables, except on a GPU, which makes
            them in that of the features.
    """

    def __init__(self, generator: Any, *, compile: bool = False, dtype: torch.dtype | None = None) -> None:
        super().__init__(generator.size, generator.out_channels)
        network = copy.deepcopy(generator).eval().requires_grad_(False)
        for parent in [module for module in network.modules() if not isinstance(module, Norm)]:
            for name, child in parent.named_children():
                if isinstance(child, nn.Conv2d):
                    setattr(parent, name, InferenceConv2d(child, dtype))
        self.network, self.compiled = network, compile
        self.z_dim, self.edges, self.styled = generator.z_dim, generator.edges, generator.styled
        self._folded = {norm: _Folded(norm) for block in network.blocks.values()
                        for norm in (block.norm_0, block.norm_1, block.norm_s) if norm is not None}
        for norm in self._folded:
            if isinstance(norm, Norm):
                norm.arrange_()
        self._own_rows = any(isinstance(norm, Norm) and norm.reads_style for norm in self._folded)
        self.register_load_state_dict_post_hook(_loaded)

    def forget(self) -> None:
        """Drop what was made from the weights; for after changing them in place."""
        for folded in self._folded.values():
            folded.forget()
        for module in self.network.modules():
            if isinstance(module, InferenceConv2d):
                module.forget()

    def readings(self, h: int, w: int) -> list[Reading]:
        """All sizes at which the label map of an (h, w) image is read, smallest first."""
        return self.network.readings(h, w)

    def draw_style(self, count: int, semantics: Semantics | None = None,
                   normal: Normal | None = None) -> Style | None:
        """The style of `count` pictures; None where there is none."""
        drawn: Style | None = self.network.draw_style(count, semantics, normal)
        return drawn

    def completed(self, style: Style, semantics: Semantics | None = None, normal: Normal | None = None) -> Style:
        """A style with what is drawn besides."""
        made: Style = self.network.completed(style, semantics, normal)
        return made

    def check_drawn(self) -> None:
        """Whether drawn styles look like anything; a ValueError says why not."""
        self.network.check_drawn()

    def start_size(self, h: int, w: int) -> tuple[int, int]:
        """Size of the start grid for an image of (h, w)."""
        return self.network.start_size(h, w)

    @torch.no_grad()
    def forward(self, semantics: Semantics, style: Style | None = None) -> Tensor:
        """Prepared label maps, in a style, to images (N,out_channels,H,W) in [-1, 1].

        N styles may go with a single label map: everything that follows from it is made once.

        Raises:
            ValueError: as many styles as label maps or a multiple of that are needed.
        """
        given = semantics
        semantics, style = self.paired(semantics, style)
        if semantics is not given:
            self.prepare(semantics)
        x = self.start(semantics, style)
        for upsample, block in zip(self.network._upsample, self.network.blocks.values(), strict=True):
            factor = 1 + upsample
            view = semantics.at(x.shape[2] * factor, x.shape[3] * factor)
            before, x = x, self.block(block, x, view, style, factor)
        if self.network.attention is not None:
            x = self.network.attention(x, before, factor)
        return self.image(x)

    def in_tiles(self, semantics: Semantics, style: Style | None, tile: int | Sequence[int],
                 progress: Progress | None = None) -> Tensor:
        """The same images with the memory of a tile, see `semsynth.generators.tiled.draw_in_tiles`."""
        return draw_in_tiles(self, semantics, style, tile, progress)

    def check_tiles(self, tile: Any) -> None:
        """Whether it can draw in such tiles; a ValueError says why not."""
        self.network.check_tiles(tile)

    def resize_start(self) -> None:
        """Have a start grid of fixed size resized; a ValueError says where there is none."""
        self.network.resize_start()

    def paired(self, semantics: Semantics, style: Style | None) -> tuple[Semantics, Style | None]:
        """Label maps, and the styles as the blocks read them: as many label maps as styles where rows follow from both.

        Raises:
            ValueError: see `forward`.
        """
        self.times(semantics, style)
        style = self.network.read(semantics, style)
        if style is not None and self._own_rows and len(style) > len(semantics):  # whose rows are those of a style
            semantics = semantics.repeat(len(style) // len(semantics))
        return semantics, style

    def start(self, semantics: Semantics, style: Style | None) -> Tensor:
        """The start grid (M,C,h,w), of as many pictures as there are styles."""
        x: Tensor = self.network._start(semantics, style)
        if style is not None and len(x) < len(style):  # a start that reads no style, for norms that do
            x = x.repeat(len(style) // len(x), 1, 1, 1)
        return x

    def image(self, x: Tensor) -> Tensor:
        """The last features to images; x is changed."""
        image = self.network.conv_img(F.leaky_relu_(x, 0.2))
        return torch.tanh_(image.float() if image.dtype in LOW else image)

    def block(self, block: ResBlock, x: Tensor, view: Semantics, style: Style | None, factor: int) -> Tensor:
        """A residual block on x upsampled by `factor`, which stands in memory only where a norm cannot be folded.

        Args:
            block: One of the network's.
            x: Features (N,C,h,w).
            view: Label maps of (h,w) times the factor, prepared for the block's norms.
            style: As `paired` gives it; noise maps of any size.
            factor: 1 or 2.
        """
        x = x.contiguous(memory_format=torch.channels_last)
        inner = block.conv_0(self._modulated(block.norm_0, x, view, style, 0.2, factor))
        inner = self._modulated(block.norm_1, inner.contiguous(memory_format=torch.channels_last), view, style, 0.2)
        out = block.conv_1(inner)
        if block.norm_s is not None:
            shortcut = self._modulated(block.norm_s, x, view, style, 1.0, factor)
            return out.add_(cast(nn.Module, block.conv_s)(shortcut))
        if factor == 1:
            return out.add_(x)
        n, c, h, w = x.shape
        spread = out.contiguous(memory_format=torch.channels_last).view(n, c, h, factor, w, factor)
        return spread.add_(x[:, :, :, None, :, None]).view(n, c, h * factor, w * factor)

    def _modulated(self, norm: nn.Module, x: Tensor, view: Semantics, style: Style | None, slope: float,
                   factor: int = 1) -> Tensor:
        """Upsampled, normalised, modulated, activated."""
        dtype = self.network.conv_img.weight.dtype
        if (rows := self._folded[norm].of(view, len(x), dtype)) is not None:
            return modulate_rows(x, rows, slope, factor, dtype=dtype, compiled=self.compiled)
        if factor > 1:
            x = F.interpolate(x, scale_factor=float(factor), mode="nearest")
        times = len(x) // len(view)
        x = norm(x, view if times == 1 else view.repeat(times), style)
        return x if slope == 1 else F.leaky_relu_(x, slope)


def _loaded(generator: FoldedGenerator, keys: object) -> None:
    generator.forget()
