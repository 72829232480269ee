"""Styles: encoded from an image, drawn from a seed, or on the way between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from semsynth.data.masks import read_image
from semsynth.data.pictures import as_rgb
from semsynth.data.resize import resize_image
from semsynth.drawing import style_of
from semsynth.errors import StyleError
from semsynth.semantics import Semantics
from semsynth.style import Normal, Style, cat

MOST = 10_000  # pictures of a label map: their styles are held at once, their files lie in one folder


def encode_style(encoder: Any, picture: str | Path | Image.Image, size: tuple[int, int],
                 semantics: Semantics | None = None) -> Style:
    """Mean style of a picture or of the file that holds it, resized (bicubic) to ``size`` (H, W).

    Args:
        encoder: of the run.
        picture: a file, or a picture.
        size: to which it is resized.
        semantics: its label map, of that size, for encoders of the styles of classes or instances.

    Raises:
        StyleError: the run has no encoder.
        DataError: the image cannot be read, or its white is not known.
    """
    if encoder is None:
        raise StyleError("style=IMAGE needs a run with a style encoder: train with encoder=style, where the generator "
                         "takes one (those of OASIS and CRN take none: samples= draws their styles)")
    if isinstance(picture, Image.Image):
        picture = as_rgb(picture, "style")
    else:
        picture = read_image(Path(picture).expanduser())
    pixels = resize_image(picture, size)
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.inference_mode():
        try:
            return style_of(encoder, image, semantics)
        except ValueError as error:  # it reads more than the picture
            raise StyleError(f"style: {error}") from None


def draw_styles(generator: Any, count: int, seed: int, semantics: Semantics | None = None) -> Style | None:
    """The generator's styles of ``count`` pictures, always the same for a seed; more of them begin with the same.

    None for a generator without styles.
    """
    drawn: Style | None = generator.draw_style(count, semantics, _normal(seed))
    return drawn


def completed(generator: Any, style: Style, seed: int, semantics: Semantics | None = None) -> Style:
    """A given style with what the generator draws besides, as noise, always the same for a seed."""
    made: Style = generator.completed(style, semantics, _normal(seed))
    return made


def _normal(seed: int) -> Normal:
    numbers = torch.Generator().manual_seed(seed)

    def normal(shape: tuple[int, ...]) -> Tensor:
        return torch.stack([torch.randn(shape[1:], generator=numbers) for _ in range(shape[0])])

    return normal


def walk(ends: Style, steps: int) -> Style:
    """``steps`` styles from the first to the second of ``ends``, both included.

    Along the line for styles of an encoder; the norm is interpolated too, so that the middle is as typical as the ends.

    Raises:
        StyleError: fewer than two steps, or not two ends.
    """
    if len(ends) != 2 or steps < 2:
        raise StyleError(f"interpolate=STEPS walks between two styles in at least 2 steps, got {len(ends)} styles and "
                         f"{steps} steps: give style=[A.png,B.png], or none to draw both from the seed")

    def between(code: Tensor) -> Tensor:
        t = torch.linspace(0, 1, steps).to(code).view(-1, *[1] * (code.ndim - 1))
        line = code[0] * (1 - t) + code[1] * t
        norms = code.norm(dim=-1, keepdim=True)
        wanted = norms[0] * (1 - t) + norms[1] * t
        return line * wanted / line.norm(dim=-1, keepdim=True).clamp_min(1e-8)

    return replace(ends, posterior=None).map(between)


def choose_styles(generator: Any, encoder: Any, size: tuple[int, int], *, style: Sequence[str], samples: int,
                  interpolate: int, seed: int) -> Style | None:
    """The styles that every label map is drawn in; None for a generator without a style vector.

    One style for each image of ``style``, or ``samples`` drawn ones; ``interpolate`` > 0 walks between two instead.

    Raises:
        StyleError: a wish that the network or the other wishes do not allow.
    """
    if samples < 1:
        raise StyleError(f"samples={samples} must be 1 or more")
    if max(samples, interpolate) > MOST:
        raise StyleError(f"samples={samples} interpolate={interpolate}: at most {MOST} pictures are drawn of a label "
                         f"map at once; call it again with another seed for more")
    if not generator.styled:
        if style or interpolate or samples > 1:
            raise StyleError("this run has no style vector, so a label map has one picture: leave style, samples and "
                             "interpolate out, or train with encoder=style (generator=crn: with generator.pictures=9)")
        return None
    if style and samples > 1:
        raise StyleError("style= and samples= exclude each other: a style image gives one picture for each label map")
    if style:
        styles = completed(generator, cat([encode_style(encoder, path, size) for path in style]), seed)
    else:
        drawn = draw_styles(generator, 2 if interpolate else samples, seed)
        if drawn is None:
            return None
        styles = drawn
    return walk(styles, interpolate) if interpolate else styles
