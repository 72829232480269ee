"""Drawing: label maps in a style become images, in one way for scores, figures, programs and users."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from semsynth.semantics import Semantics
from semsynth.style import Style


def draw(generator: Any, semantics: Semantics, style: Style | None = None, tile: Any = None,
         progress: Any = None) -> Tensor:
    """Images (N,3,H,W) in [-1,1], in float32.

    Args:
        generator: See `semsynth.interfaces.Generator`.
        semantics: Label maps, on the generator's device; they are prepared for it here where they were not before.
        style: On any device; for as many pictures as label maps. None: the generator draws.
        tile: The side of the tiles in pixels, or (height, width), in which it draws the same images with less memory;
            None: in one piece.
        progress: Shows how far the tiles have come, see `semsynth.interfaces.Progress`.

    Raises:
        ValueError: the generator cannot make this size, takes no such style, or cannot draw in such tiles.
    """
    style = None if style is None else style.to(semantics.labels.device)
    images: Tensor
    if tile is None:
        images = generator(generator.prepare(semantics), style)
    else:
        images = generator.in_tiles(semantics, style, tile, progress)
    return images.float()


def style_of(encoder: Any, images: Tensor, semantics: Semantics | None = None) -> Style:
    """The style that an encoder reads off images (N,3,H,W) in [-1,1], in float32: the means of its posterior."""
    style: Style = encoder.encode(images, semantics)
    return style.map(Tensor.float)
