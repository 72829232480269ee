"""Patches of label maps that look as in another style: single instances, where no instance map tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from semsynth.errors import StyleError
from semsynth.semantics import Semantics
from semsynth.style import Style

NO_INSTANCES = ("instances: this run draws all instances of a class in one style: one with norm=inade, trained with "
                "instance maps, can change a single one")


@dataclass(frozen=True)
class Patch:
    """A region of one class, connected over edges, and the style in which it looks otherwise.

    Attributes:
        place: (row, column) of one of its pixels.
        label: Its class.
        style: Of one picture, with codes by class; that of its own class is taken.
    """

    place: tuple[int, int]
    label: int
    style: Style

    def check(self, labels: np.ndarray) -> None:
        """Raise StyleError where a label map (H,W) shows another class there."""
        (row, column), (height, width) = self.place, labels.shape
        if not (row < height and column < width):
            raise StyleError(f"instances: [{row},{column}] lies outside of the label map, which has {height} rows and "
                             f"{width} columns")
        if labels[row, column] != self.label:
            raise StyleError(f"instances: the label map has class {labels[row, column]} at [{row},{column}], where an "
                             f"instance of class {self.label} has a style of its own: the style belongs to another map")


def numbered(labels: np.ndarray, patches: Sequence[Patch]) -> np.ndarray:
    """An instance map (H,W) of a label map: each of the patches has a number of its own, all else that of its class.

    >>> import torch
    >>> style = Style(classes=torch.zeros(1, 2, 1))
    >>> numbered(np.array([[1, 0, 1]]), [Patch((0, 2), 1, style)]).tolist()
    [[1, 0, 4]]

    Raises:
        StyleError: a class is another one than a patch says.
    """
    things = labels.astype(np.int64)
    if not patches:
        return things
    for patch in patches:
        patch.check(labels)
    first = int(labels.max()) + 1
    for label in {patch.label for patch in patches}:
        regions, count = ndimage.label(labels == label)
        for number in {regions[patch.place] for patch in patches if patch.label == label}:
            things[regions == number] = first + number
        first += count + 1
    return things


def with_patches(style: Style, patches: Sequence[Patch], semantics: Semantics) -> Style:
    """A style with codes by instance that has those of the patches in their places; of two of one patch the last.

    Args:
        style: Of the label maps.
        patches: See above.
        semantics: The label maps, with the instances of `numbered`.

    Raises:
        StyleError: the network has no styles by instance, or was trained without instance maps.
    """
    if not patches:
        return style
    if style.instances is None or semantics.instances is None:
        raise StyleError(NO_INSTANCES)
    index, codes = semantics.regions().index, style.instances.clone()
    for patch in patches:
        row, column = patch.place
        assert patch.style.classes is not None
        code = patch.style.classes[0, patch.label].to(codes)
        for n, chosen in enumerate(index[:, row, column].tolist()):
            codes[n, chosen] = code
    return replace(style, instances=codes, posterior=None)
