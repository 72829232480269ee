"""Pictures in tiles: the same numbers as in one piece, with the memory of a tile.

A network's layers are steps from one size to the next. Where maps are small a step's whole result is kept; the steps
from there on are computed one tile of the picture after the other, each from as much of what was kept as it can see.
So a tile's border, its halo, is as wide as the steps behind it see, at their sizes, and not as wide as the network
sees, which is more than most pictures have.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from semsynth.semantics.window import Box

SMALLEST = 64  # side of a tile: smaller ones are mostly halo
SHARE = 16  # a step joins those computed by tiles as long as its halo is at most so small a part of a tile

Progress = Callable[[Iterable[Any], str, int], Iterable[Any]]
"""Shows how far a loop has come, see `semsynth.interfaces.Progress`."""


@dataclass(frozen=True)
class Step:
    """Layers that are computed together.

    >>> halves, full = (Step(size, factor=2, reach=2, width=8, run=lambda x, box: x) for size in ((16, 16), (32, 32)))
    >>> halos([halves, full])  # of one pixel at half the size are two at full size
    [3, 2]

    Attributes:
        size: (h, w) of what they make.
        factor: By which they upsample (nearest) before they compute.
        reach: How many pixels beyond a place, at that size, they see.
        width: Channels at that size, by which its memory goes.
        run: Makes, of features (N,C,h/factor,w/factor) of a part of the map and of the box of that part at `size`, the
            features of the part.
    """

    size: tuple[int, int]
    factor: int
    reach: int
    width: int
    run: Callable[[Tensor, Box], Tensor]


def tile_sides(tile: Any) -> tuple[int, int]:
    """(height, width) of tiles, as a number or two say it.

    >>> tile_sides(256), tile_sides([128, 512])
    ((256, 256), (128, 512))

    Raises:
        ValueError: it is neither, or too small.
    """
    sides = list(tile) if isinstance(tile, Sequence) else [tile, tile]
    if len(sides) != 2 or not all(type(side) is int and side >= SMALLEST for side in sides):
        raise ValueError(f"tile={tile} must be the side of the tiles in pixels, or [HEIGHT,WIDTH], from {SMALLEST} on")
    return sides[0], sides[1]


def grid(size: tuple[int, int], tile: tuple[int, int]) -> list[Box]:
    """Boxes of nearly equal size, none larger than `tile`, that cover a map of `size`.

    >>> [(box.left, box.right) for box in grid((4, 10), (4, 4))]
    [(0, 3), (3, 6), (6, 10)]
    """
    rows, columns = ([side * k // count for k in range(count + 1)] for side, count in
                     ((side, math.ceil(side / most)) for side, most in zip(size, tile, strict=True)))
    return [Box(top, bottom, left, right) for top, bottom in pairwise(rows) for left, right in pairwise(columns)]


def halos(steps: Sequence[Step]) -> list[int]:
    """How many pixels more each step computes than the next ones need of it, at its size, on each side."""
    wanted, found = 0, []
    for step in reversed(steps):
        found.append(wanted + step.reach)
        wanted = -(-found[-1] // step.factor)
    return found[::-1]


def first_in_tiles(steps: Sequence[Step], tile: tuple[int, int]) -> int:
    """From which step on tiles of the picture are computed: the last one, and those before it while halos are small."""
    full = steps[-1].size
    wide = [halo * SHARE * full[0] > min(tile) * step.size[0] for halo, step in
            zip(halos(steps), steps, strict=True)]
    return next((k + 1 for k in range(len(steps) - 2, -1, -1) if wide[k]), 0)


def stages(steps: Sequence[Step], tile: tuple[int, int]) -> list[tuple[list[Step], list[Box]]]:
    """The steps in groups, each with the boxes of its result that are computed one after the other.

    Before `first_in_tiles` a group is a step, whose tiles take as much memory as those of the last one.
    """
    first = first_in_tiles(steps, tile)
    made = []
    for step in steps[:first]:
        narrower = math.sqrt(steps[-1].width / step.width)
        made.append(([step], grid(step.size, (math.ceil(tile[0] * narrower), math.ceil(tile[1] * narrower)))))
    return [*made, (list(steps[first:]), grid(steps[-1].size, tile))]


def parts(x: Tensor, steps: Sequence[Step], boxes: Sequence[Box]) -> Iterator[Tensor]:
    """Each box of what the steps make of x (N,C,h,w), a whole map."""
    for box in boxes:
        yield _part(x, steps, box)


def _part(x: Tensor, steps: Sequence[Step], box: Box) -> Tensor:
    """Every step computes a part that is larger than wanted by its reach: what sees an end of the part is cut off."""
    wanted = [box]
    for step in reversed(steps):
        wanted.insert(0, wanted[0].grown(step.reach, step.size).before(step.factor))
    x = wanted[0].of(x)
    for step, (given, made) in zip(steps, pairwise(wanted), strict=True):
        part = given.times(step.factor)
        x = made.within(part).of(step.run(x, part))
    return x


def whole(made: Iterable[Tensor], boxes: Sequence[Box], size: tuple[int, int]) -> Tensor:
    """The parts (N,C,h,w) put together to a map of `size`, channels-last where it has more than an image's channels."""
    out: Tensor | None = None
    for part, box in zip(made, boxes, strict=True):
        if out is None:
            layout = torch.channels_last if part.shape[1] > 4 else torch.contiguous_format
            out = torch.empty(*part.shape[:2], *size, dtype=part.dtype, device=part.device, memory_format=layout)
        box.of(out).copy_(part)
    assert out is not None
    return out
