"""CC-FPSE's generator in tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from semsynth.generators.label_pyramid import LabelPyramid
from semsynth.generators.tiles import Progress, Step, grid, parts, stages, tile_sides, whole
from semsynth.semantics import Reading, Semantics
from semsynth.semantics.window import Box, window
from semsynth.style import Style

if TYPE_CHECKING:
    from semsynth.generators.cc_fpse import CCFPSEGenerator

REACH = 3  # of a block: two predicted 3x3 convolutions, whose kernels see two pixels of labels and of their features


@torch.no_grad()
def draw_in_tiles(generator: CCFPSEGenerator, semantics: Semantics, style: Style | None, tile: int | Sequence[int],
                  progress: Progress | None = None) -> Tensor:
    """Images, as `semsynth.generators.tiled.draw_in_tiles`, of a network in evaluation mode.

    The features of the label map are kept for the small sizes, each of which has seen all smaller ones; a tile makes
    those of the large sizes anew, from the label map beneath it and from what is kept.
    """
    sizes = [(h, w) for h, w in generator.readings(*semantics.size)][::-1]  # the full size first
    semantics.prepare(sizes)
    sides, level = tile_sides(tile), len(sizes) - 1
    pyramid, x = Pyramid(generator.pyramid, semantics, sizes), generator._start(semantics, style)
    steps, levels = [], []
    for upsample, block in zip(generator._upsample, generator.blocks.values(), strict=True):
        level -= upsample
        levels.append(level)
        steps.append(_step(pyramid, level, 1 + upsample, block))
    *others, last = steps
    steps = [*others, Step(last.size, last.factor, last.reach + 1, last.width,
                           lambda x, box: generator.image(last.run(x, box)))]
    *early, (late, boxes) = stages(steps, sides)
    pyramid.keep(levels[-len(late)] + late[0].factor - 1, sides)
    for group, some in early:
        x = whole(parts(x, group, some), some, group[-1].size)
    shown = progress or (lambda items, title, total: items)
    return whole(shown(parts(x, late, boxes), "tiles", len(boxes)), boxes, last.size)


def _step(pyramid: Pyramid, level: int, factor: int, block: Any) -> Step:
    def run(x: Tensor, box: Box) -> Tensor:
        if factor > 1:
            x = F.interpolate(x, scale_factor=float(factor), mode="nearest")
        out: Tensor = block(x, pyramid.view(level, box), pyramid.features(level, box))
        return out

    hidden = block.kernels_0.hidden.out_channels
    return Step(pyramid.sizes[level], factor, REACH, max(block.norm_0.num_features, hidden), run)


class Pyramid:
    """`LabelPyramid` on parts of label maps; levels count from the full size down.

    >>> network, labels = LabelPyramid(num_classes=2, levels=3, width=4).eval(), torch.randint(2, (1, 16, 16))
    >>> semantics = Semantics(labels, 2).prepare([(8, 8), (4, 4)])
    >>> pyramid, box = Pyramid(network, semantics, [(16, 16), (8, 8), (4, 4)]), Box(top=3, bottom=9, left=0, right=8)
    >>> pyramid.keep(1, (8, 8))  # whole features at half the size, and below
    >>> torch.allclose(pyramid.features(0, box), box.of(network(semantics)[-1]), atol=1e-5)
    True

    Args:
        network: In evaluation mode.
        semantics: Label maps, prepared for all sizes.
        sizes: (h, w) of each level.
    """

    def __init__(self, network: LabelPyramid, semantics: Semantics, sizes: Sequence[tuple[int, int]]) -> None:
        self.network, self.semantics, self.sizes = network, semantics, sizes
        self._kept: dict[int, Tensor] = {}
        self._needs: frozenset[str] = network.encoders[0][0].needs  # type: ignore[index,assignment]

    def view(self, level: int, box: Box) -> Semantics:
        """The label maps there, with what is looked up in them."""
        return window(self.semantics.at(*self.sizes[level]), box).prepare([Reading(*box.size, self._needs)])

    def keep(self, level: int, tile: tuple[int, int]) -> None:
        """Make the features of this level and of the smaller ones, in tiles of the full size as far as that is read."""
        network = self.network
        boxes = grid(self.sizes[level], (max(1, tile[0] >> level), max(1, tile[1] >> level)))
        down = [whole((self._down(level, box) for box in boxes), boxes, self.sizes[level])]
        for encoder in network.encoders[level + 1:]:
            down.append(encoder(down[-1]))
        self._kept[len(self.sizes) - 1] = down.pop()
        for smaller in range(len(self.sizes) - 1, level, -1):
            upsampled = F.interpolate(self._kept[smaller], scale_factor=2.0, mode="nearest")
            self._kept[smaller - 1] = self._up(smaller - 1, upsampled, down.pop())

    def features(self, level: int, box: Box) -> Tensor:
        """Those of the part that a box is of the map at this level."""
        if level in self._kept:
            return box.of(self._kept[level])
        part = box.grown(1, self.sizes[level])
        smaller = part.before(2)
        upsampled = F.interpolate(self.features(level + 1, smaller), scale_factor=2.0, mode="nearest")
        out = self._up(level, part.within(smaller.times(2)).of(upsampled), self._down(level, part))
        return box.within(part).of(out)

    def _up(self, level: int, upsampled: Tensor, down: Tensor) -> Tensor:
        """From the features of the next smaller size, and from what was made at this size on the way down."""
        place = len(self.sizes) - 2 - level
        out: Tensor = self.network.decoders[place](upsampled + self.network.laterals[place](down))
        return out

    def _down(self, level: int, box: Box) -> Tensor:
        """What is made on the way down."""
        part = box.grown(1, self.sizes[level])
        read: Any = self.view(0, part) if level == 0 else self._down(level - 1, part.times(2))
        return box.within(part).of(self.network.encoders[level](read))
