"""Style vectors: encoded from an image, drawn from a seed, or on the way between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from semsynth.data.masks import read_image
from semsynth.data.pictures import as_rgb
from semsynth.data.resize import resize_image
from semsynth.errors import StyleError


def encode_style(encoder: nn.Module | None, picture: str | Path | Image.Image, size: tuple[int, int]) -> Tensor:
    """Mean style (1, z_dim) of a picture or of the file that holds it, resized (bicubic) to ``size`` (H, W).

    Raises:
        StyleError: the run has no encoder.
        DataError: the image cannot be read, or its white is not known.
    """
    if encoder is None:
        raise StyleError("style=IMAGE needs a run with a style encoder: train with encoder=style")
    if isinstance(picture, Image.Image):
        picture = as_rgb(picture, "style")
    else:
        picture = read_image(Path(picture).expanduser())
    pixels = resize_image(picture, size)
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
    parameter = next(encoder.parameters())
    with torch.inference_mode():
        mu, _ = encoder(image.to(parameter))
    return mu


def draw_styles(count: int, z_dim: int, seed: int) -> Tensor:
    """``count`` styles (count, z_dim) from N(0, 1), always the same for a seed; more of them begin with the same."""
    generator = torch.Generator().manual_seed(seed)
    return torch.stack([torch.randn(z_dim, generator=generator) for _ in range(count)])


def walk(ends: Tensor, steps: int) -> Tensor:
    """``steps`` styles (steps, z_dim) from ends[0] to ends[1], both included.

    Along the line for styles of an encoder; the norm is interpolated too, so that the middle is as typical as the ends.

    Raises:
        StyleError: fewer than two steps, or not two ends.
    """
    if len(ends) != 2 or steps < 2:
        raise StyleError(f"interpolate=STEPS walks between two styles in at least 2 steps, got {len(ends)} styles and "
                         f"{steps} steps: give style=[A.png,B.png], or none to draw both from the seed")
    t = torch.linspace(0, 1, steps)[:, None].to(ends)
    line = ends[0] * (1 - t) + ends[1] * t
    norms = ends.norm(dim=1)
    wanted = norms[0] * (1 - t) + norms[1] * t
    return line * wanted / line.norm(dim=1, keepdim=True).clamp_min(1e-8)


def choose_styles(encoder: nn.Module | None, z_dim: int, size: tuple[int, int], *, style: Sequence[str], samples: int,
                  interpolate: int, seed: int) -> Tensor | None:
    """The styles (S, z_dim) that every label map is drawn in; None for a generator without a style vector.

    One style for each image of ``style``, or ``samples`` drawn ones; ``interpolate`` > 0 walks between two instead.

    Raises:
        StyleError: a wish that the network or the other wishes do not allow.
    """
    if samples < 1:
        raise StyleError(f"samples={samples} must be 1 or more")
    if not z_dim:
        if style or interpolate or samples > 1:
            raise StyleError("this run has no style vector, so a label map has one picture: leave style, samples and "
                             "interpolate out, or train with encoder=style")
        return None
    if style and samples > 1:
        raise StyleError("style= and samples= exclude each other: a style image gives one picture for each label map")
    if style:
        styles = torch.cat([encode_style(encoder, path, size) for path in style])
    else:
        styles = draw_styles(2 if interpolate else samples, z_dim, seed)
    return walk(styles, interpolate) if interpolate else styles
