"""Parts of label maps, with what they are at the size of the whole."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from semsynth.semantics.regions import Regions
from semsynth.semantics.semantics import Semantics


@dataclass(frozen=True)
class Box:
    """Rows top..bottom and columns left..right of a map, the last ones excluded.

    >>> box = Box(top=4, bottom=8, left=0, right=8)
    >>> box.grown(2, (16, 16))
    Box(top=2, bottom=10, left=0, right=10)
    >>> box.before(3), box.before(3).times(3).size
    (Box(top=1, bottom=3, left=0, right=3), (6, 9))
    """

    top: int
    bottom: int
    left: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """(h, w)."""
        return self.bottom - self.top, self.right - self.left

    def grown(self, by: int, size: tuple[int, int]) -> Box:
        """With `by` pixels more on each side, as far as a map of `size` (h, w) has them."""
        return Box(max(0, self.top - by), min(size[0], self.bottom + by),
                   max(0, self.left - by), min(size[1], self.right + by))

    def before(self, factor: int) -> Box:
        """What must be there for this to be made by upsampling."""
        return Box(self.top // factor, -(-self.bottom // factor), self.left // factor, -(-self.right // factor))

    def times(self, factor: int) -> Box:
        """What upsampling makes of it."""
        return Box(self.top * factor, self.bottom * factor, self.left * factor, self.right * factor)

    def of(self, maps: Tensor) -> Tensor:
        """That part of maps (...,H,W), as a view."""
        return maps[..., self.top:self.bottom, self.left:self.right]

    def within(self, outer: Box) -> Box:
        """The same place, counted from the corner of a box around it."""
        return Box(self.top - outer.top, self.bottom - outer.top, self.left - outer.left, self.right - outer.left)


def window(view: Semantics, box: Box) -> Semantics:
    """A part of label maps as label maps of its own, not prepared for anything.

    Edges, positional offsets and the numbers of instances stay those of the whole map. Beyond its border a network sees
    nothing, so that what lies there has to be part of the window.

    >>> import torch
    >>> from semsynth.semantics.icpe import icpe_offsets
    >>> labels = torch.arange(16).expand(1, 16, 16) // 8
    >>> offsets = torch.from_numpy(icpe_offsets(labels[0].numpy()))[None]
    >>> part = window(Semantics(labels, 2, offsets=offsets), Box(0, 8, 4, 12))
    >>> part.size, bool(part.offsets.max() < 0.7)  # of the whole regions, whose borders are elsewhere
    ((8, 8), False)
    """
    def cut(x: Tensor | None) -> Tensor | None:
        return None if x is None else box.of(x).contiguous()

    regions = view._regions
    if regions is not None:
        regions = Regions(box.of(regions.index).contiguous(), regions.classes, regions.sizes)
    return Semantics(box.of(view.labels).contiguous(), view.num_classes, cut(view.edges), cut(view.offsets),
                     cut(view.probabilities), cut(view.instances), _regions=regions, _checked=True)
