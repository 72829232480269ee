"""Styles that are given in memory: of pictures with their label maps, or as styles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from semsynth.drawing import style_of
from semsynth.errors import StyleError
from semsynth.semantics import Semantics
from semsynth.style import Style, cat
from semsynth.synthesis.condition import Condition, integers
from semsynth.synthesis.references import Reference
from semsynth.synthesis.styles import encode_style, read_reference

Pictured = Tensor | np.ndarray | str | Path | Image.Image | Sequence[str | Path | Image.Image]
"""Pictures whose style is taken."""
Maps = Tensor | np.ndarray
"""Label maps or instance maps (N,H,W)."""


def given_reference(encoder: Any, condition: Condition, style: Pictured | Style, labels: Maps | None,
                    instances: Maps | None, device: torch.device) -> Reference:
    """The mean styles of pictures, the codes of a file, or a style as it is.

    Args:
        encoder: Of the run; None without one.
        condition: What the run's networks read.
        style: Pictures, NAME.npz, or a style.
        labels: Label maps of the pictures.
        instances: Their instance maps.
        device: Of the encoder.

    Raises:
        StyleError: the run has no encoder, or these are no such pictures.
        DataError: a file cannot be read.
    """
    if isinstance(style, Style):
        maps = _maps(condition, labels, instances, len(style))
        return Reference(style, None if maps is None else maps.regions())
    if isinstance(style, str | Path) and Path(style).suffix == ".npz":
        return read_reference(encoder, style, condition.size, condition.classes,
                              _maps(condition, labels, instances, 1))
    if encoder is None:
        raise StyleError("style: this run has no style encoder; give z or seed")
    if isinstance(style, Tensor | np.ndarray):
        images = _checked(style)
        maps = _maps(condition, labels, instances, len(images))
        try:
            found = style_of(encoder, images, maps and maps.to(device))
        except ValueError as error:  # it reads more than the picture
            raise StyleError(f"style: {error}; give style_labels (`encode`: labels)") from None
    else:
        pictures = [style] if isinstance(style, str | Path | Image.Image) else list(style)
        maps = _maps(condition, labels, instances, len(pictures))
        alone = [encode_style(encoder, picture, condition.size, None if maps is None else _one(maps, k))
                 for k, picture in enumerate(pictures)]
        found = cat(alone) if len(alone) > 1 else alone[0]
    return Reference(found, None if maps is None else maps.regions())


def _checked(style: Tensor | np.ndarray) -> Tensor:
    images = torch.as_tensor(style)
    if images.ndim != 4 or images.shape[1] != 3 or not images.dtype.is_floating_point:
        raise StyleError(f"style must be (N,3,h,w) floats in [-1,1], got {tuple(images.shape)} {images.dtype}")
    low, high = images.min(), images.max()
    if not -1.001 <= low <= high <= 1.001:
        raise StyleError(f"style must lie in [-1,1], got [{float(low):.3g}, {float(high):.3g}]: for values of 0..255 "
                         "give style / 127.5 - 1")
    return images.float()


def _maps(condition: Condition, labels: Maps | None, instances: Maps | None, count: int) -> Semantics | None:
    """The label maps of so many pictures whose style is taken."""
    if labels is None:
        return None
    ids = condition.semantics(labels, labels).labels
    things = None if instances is None else integers("style_instances", instances)
    for maps in (ids, things):
        if maps is not None and len(maps) not in (1, count):
            raise StyleError(f"{len(maps)} label maps for {count} pictures whose style is taken: give one for each")
    if things is not None and things.shape[1:] != ids.shape[1:]:
        raise StyleError(f"style_instances must have the shape of style_labels, {tuple(ids.shape)}, got "
                         f"{tuple(things.shape)}")
    height, width = ids.shape[1:]
    return Semantics(ids.expand(count, height, width), len(condition.classes),
                     instances=None if things is None else things.expand(count, height, width))


def _one(maps: Semantics, k: int) -> Semantics:
    return Semantics(maps.labels[k:k + 1], maps.num_classes,
                     instances=None if maps.instances is None else maps.instances[k:k + 1])
