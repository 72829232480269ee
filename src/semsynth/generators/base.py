"""What every generator has unless it says otherwise."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.errors import FixedSizeError
from semsynth.generators.tiles import Progress
from semsynth.semantics import Reading, Semantics
from semsynth.style import Normal, Style


class BaseGenerator(nn.Module, ABC):
    """A generator without styles and without a faster form for drawing, see `semsynth.interfaces.Generator`.

    >>> class Grey(BaseGenerator):  # a brightness for each class
    ...     def readings(self, h, w): return [Reading(h, w)]
    ...     def forward(self, semantics, style=None):
    ...         return (semantics.labels[:, None] / semantics.num_classes).expand(-1, 3, -1, -1)
    >>> generator = Grey(size=(16, 16))
    >>> images = generator(generator.prepare(Semantics(torch.ones(1, 16, 16, dtype=torch.int64), 2)))
    >>> tuple(images.shape), images.unique().item()
    ((1, 3, 16, 16), 0.5)

    Args:
        size: (H,W) of the training images.
        out_channels: Of the images.

    Attributes:
        start_resized: Whether a start grid that comes from a style vector is resized for other sizes.
        whole: Why it draws whole pictures only, in words.
    """

    styled: bool = False
    start_resized: bool = False
    whole: str = "it does not say how far its layers see"

    def __init__(self, size: tuple[int, int], out_channels: int = 3) -> None:
        super().__init__()
        self.size, self.out_channels = (int(size[0]), int(size[1])), out_channels

    @abstractmethod
    def readings(self, h: int, w: int) -> list[Reading]:
        """The sizes at which label maps of (h,w) images are read, and what is looked up there."""

    def prepare(self, semantics: Semantics) -> Semantics:
        """The same label maps, read at the sizes that this network reads."""
        return semantics.prepare(self.readings(*semantics.size))

    @abstractmethod
    def forward(self, semantics: Semantics, style: Style | None = None) -> Tensor:
        """Images (N,3,H,W) in [-1,1] of prepared label maps."""

    def times(self, semantics: Semantics, style: Style | None) -> int:
        """How often each label map is drawn: t times in t * N styles of N label maps.

        The first N styles are of all label maps in their order, and so are the next N.

        Raises:
            ValueError: there is another number of styles.
        """
        if style is None or torch.compiler.is_exporting():  # programs take a style for each map, and any number of them
            return 1
        if len(style) == len(semantics):
            return 1
        if not len(style) or len(style) % len(semantics):
            raise ValueError(f"{len(style)} styles for {len(semantics)} label maps: each map needs as many")
        return len(style) // len(semantics)

    def repeated(self, semantics: Semantics, style: Style | None) -> Semantics:
        """Prepared label maps, one for each style, see `times`."""
        times = self.times(semantics, style)
        return semantics if times == 1 else self.prepare(semantics.repeat(times))

    def draw_style(self, count: int, semantics: Semantics | None = None, normal: Normal | None = None) -> Style | None:
        """None: a label map has one picture."""
        return None

    def completed(self, style: Style, semantics: Semantics | None = None, normal: Normal | None = None) -> Style:
        """The style as it is: nothing is drawn besides."""
        return style

    def check_drawn(self) -> None:
        """Whether drawn styles look like anything: they do."""

    def check_tiles(self, tile: Any) -> None:
        """Whether it can draw in such tiles, see `in_tiles`.

        Raises:
            ValueError: its layers see more of a picture than its neighbourhood, or nobody says how much; as it is.
        """
        raise no_tiles(self.whole)

    def in_tiles(self, semantics: Semantics, style: Style | None, tile: int | Sequence[int],
                 progress: Progress | None = None) -> Tensor:
        """The images that it draws in one piece, with the memory of a tile.

        Args:
            semantics: Label maps, prepared or not.
            style: Of as many pictures; None: it is drawn.
            tile: The side of the tiles in pixels, or (height, width).
            progress: Shows how far it has come.

        Raises:
            ValueError: see `check_tiles`; it cannot make this size, or these are no tiles.
        """
        self.check_tiles(tile)
        return self.optimize_for_inference().in_tiles(semantics, style, tile, progress)  # type: ignore[no-any-return]

    def check_fixed(self, h: int, w: int) -> None:
        """Whether a network whose start grid comes from a style vector makes (h,w) images.

        Raises:
            FixedSizeError: that is not the training size, and the grid is not to be resized.
        """
        if (h, w) != self.size and not self.start_resized:
            raise FixedSizeError(f"this network makes {self.size[0]}x{self.size[1]} images only (height x width): its "
                                 f"start grid comes from the style vector through a layer of fixed size; got {h}x{w}",
                                 "synthesize.py and Synthesizer resize that grid, which it was not trained for, with "
                                 "start=resized")

    def resize_start(self) -> None:
        """Let it draw other sizes than that of the training images.

        Raises:
            ValueError: it does so anyway; as it is.
        """
        raise ValueError("start=resized is for networks whose start grid comes from a style vector through a layer of "
                         "fixed size; this one draws other sizes without it: leave it out")

    def check_batch(self, samples: int) -> None:
        """Whether so many samples a batch are enough for its statistics; a ValueError says why not. They are."""

    def optimize_for_inference(self, *, compile: bool = False, dtype: torch.dtype | None = None) -> Any:
        """A copy for drawing only, as it is: nothing is compiled, and it draws in the precision of its weights."""
        return copy.deepcopy(self).eval().requires_grad_(False)


def no_tiles(why: str) -> ValueError:
    """The error of a network that draws whole pictures only."""
    return ValueError(f"this network cannot draw in tiles: {why}. Without tile= it draws pictures of any size in one "
                      "piece, as far as memory goes")


def grid_of_size(grid: Tensor, size: tuple[int, int]) -> Tensor:
    """A start grid (N,C,h,w) as one of another size, bilinearly; as it is where it has that size."""
    return grid if grid.shape[-2:] == size else F.interpolate(grid, size, mode="bilinear")
