"""SPADE's generator, folded, in tiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from semsynth.generators.blocks import ResBlock
from semsynth.generators.tiles import Progress, Step, parts, stages, tile_sides, whole
from semsynth.norms.base import Norm
from semsynth.semantics import Reading, Semantics
from semsynth.semantics.window import Box, window
from semsynth.style import Style

if TYPE_CHECKING:
    from semsynth.generators.inference import FoldedGenerator


@torch.no_grad()
def draw_in_tiles(generator: FoldedGenerator, semantics: Semantics, style: Style | None, tile: int | Sequence[int],
                  progress: Progress | None = None) -> Tensor:
    """Images (M,out_channels,H,W) in [-1,1], those of `generator(semantics, style)` to rounding.

    Every block reads the labels, edges, offsets and noise of the whole picture where its part of it lies. Attention
    over channels (DAGAN) needs averages over the whole picture: there the tiles are computed twice.

    Args:
        generator: The folded generator.
        semantics: Label maps; what blocks look up in them is looked up for each tile.
        style: Of as many pictures or of a multiple; None: it is drawn.
        tile: The side of the tiles in pixels, or (height, width).
        progress: Shows how far the tiles have come.

    Raises:
        ValueError: a norm takes statistics over the whole picture; the generator cannot make this size; no such tiles.
    """
    generator.check_tiles(tile)
    readings = generator.readings(*semantics.size)
    if generator.styled:  # with noise for the whole picture, of which tiles are parts
        style = generator.draw_style(len(semantics), semantics) if style is None else style
        style = style and generator.completed(style, semantics)
    semantics, style = generator.paired(semantics, style)
    # instances are numbered over the whole map; all else that is looked up follows from a window
    semantics.prepare([Reading(*size, size.needs & {"regions"}) for size in readings])
    x = generator.start(semantics, style)
    network, shown = generator.network, progress or (lambda items, title, total: items)
    *blocks, last = _Layers.of(generator, semantics, style)
    steps = [layers.step(0, lambda out, before, layers: out) for layers in blocks]

    def image(out: Tensor, before: Tensor, layers: _Layers, means: Tensor | None = None) -> Tensor:
        if network.attention is not None:
            out = network.attention(out, before, layers.factor, means)
        return generator.image(out)

    beyond = 1 + (network.attention is not None)  # the last convolution, and that of the attention over positions
    *early, (late, boxes) = stages([*steps, last.step(beyond, image)], tile_sides(tile))
    for group, some in early:
        x = whole(parts(x, group, some), some, group[-1].size)
    if network.attention is None:
        return whole(shown(parts(x, late, boxes), "tiles", len(boxes)), boxes, last.size)

    def averaged(out: Tensor, before: Tensor, layers: _Layers) -> Tensor:
        return torch.cat([network.attention.beside(before, layers.factor), out], 1)

    sums: Any = 0.0
    for part in shown(parts(x, [*late[:-1], last.step(0, averaged)], boxes), "averages", len(boxes)):
        sums = sums + part.sum((2, 3), dtype=torch.float64)
    means = (sums / (last.size[0] * last.size[1])).to(x.dtype)[:, :, None, None]
    late[-1] = last.step(beyond, lambda out, before, layers: image(out, before, layers, means))
    return whole(shown(parts(x, late, boxes), "tiles", len(boxes)), boxes, last.size)


class _Layers:
    """A block of the generator on parts of a picture."""

    def __init__(self, generator: FoldedGenerator, block: ResBlock, factor: int, view: Semantics,
                 style: Style | None) -> None:
        self.generator, self.block, self.factor, self.view, self.style = generator, block, factor, view, style
        self.size = view.size
        self.norms = [norm for norm in (block.norm_0, block.norm_1, block.norm_s) if isinstance(norm, Norm)]

    @classmethod
    def of(cls, generator: FoldedGenerator, semantics: Semantics, style: Style | None) -> list[_Layers]:
        """All blocks of a folded generator, with label maps that have its sizes."""
        (h, w), made = generator.start_size(*semantics.size), []
        for upsample, block in zip(generator.network._upsample, generator.network.blocks.values(), strict=True):
            factor = 1 + upsample
            h, w = h * factor, w * factor
            made.append(cls(generator, block, factor, semantics.at(h, w), style))
        return made

    @property
    def reach(self) -> int:
        """Norm, 3x3 convolution, norm, 3x3 convolution; beside them a norm and a 1x1 convolution."""
        first, second, *others = (norm.reach for norm in self.norms)
        return max([max(first + 1, second) + 1, *others])

    def step(self, beyond: int, then: Callable[[Tensor, Tensor, _Layers], Tensor]) -> Step:
        """The block, and what is done `then` with its output and its input, which sees `beyond` pixels more."""
        def run(x: Tensor, box: Box) -> Tensor:
            part = window(self.view, box)
            part.prepare([Reading(*box.size, {need for norm in self.norms for need in norm.needed(*box.size)})])
            return then(self.generator.block(self.block, x, part, self._style(box), self.factor), x, self)

        return Step(self.size, self.factor, self.reach + beyond, max(norm.channels for norm in self.norms), run)

    def _style(self, box: Box) -> Style | None:
        """With noise of the part that a box is of the map of this size, resized as norms do (nearest)."""
        if self.style is None or self.style.noise is None:
            return self.style
        noise = self.style.noise
        rows, columns = (torch.arange(first, last, device=noise.device) * given // full for first, last, given, full in
                         zip((box.top, box.left), (box.bottom, box.right), noise.shape[-2:], self.size, strict=True))
        return replace(self.style, noise=noise.index_select(-2, rows).index_select(-1, columns))
