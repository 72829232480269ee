"""Styles: encoded from an image, drawn from a seed, or on the way between two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from semsynth.chance import seeds
from semsynth.data.masks import read_image
from semsynth.data.pictures import as_rgb
from semsynth.data.resize import resize_image
from semsynth.drawing import style_of
from semsynth.errors import StyleError
from semsynth.semantics import Semantics
from semsynth.style import Normal, Style
from semsynth.synthesis.codes import SUFFIX, load_codes
from semsynth.synthesis.edits import ALL
from semsynth.synthesis.maps import MapReader
from semsynth.synthesis.references import Reference


class MapMissing(StyleError):
    """An encoder needs the label map of the picture whose style it shall take."""


def resize_start(generator: Any, start: Any) -> None:
    """Let a generator draw other sizes than that of its training, as ``start`` says: None, or "resized".

    Raises:
        StyleError: it says something else, or the generator draws other sizes without it.
    """
    if start is None:
        return
    if start != "resized":
        raise StyleError(f"start={start} must be resized, or left out")
    try:
        generator.resize_start()
    except ValueError as error:
        raise StyleError(str(error)) from None


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
            kind = MapMissing if semantics is None else StyleError
            raise kind(f"style: {error}") from None


def read_reference(encoder: Any, picture: str | Path | Image.Image, size: tuple[int, int], names: Sequence[str],
                   semantics: Semantics | None = None) -> Reference:
    """The style of a picture, or the codes that a file NAME.npz holds.

    Args:
        encoder: Of the run.
        picture: A file, or a picture.
        size: To which it is resized.
        names: Of the run's classes.
        semantics: Its label map, see `encode_style`.

    Raises:
        StyleError: the run has no encoder, or saved codes are not its own.
        DataError: the file cannot be read.
    """
    if isinstance(picture, str | Path) and Path(picture).suffix == SUFFIX:
        if semantics is not None:
            raise StyleError(f"{picture} holds codes, which need no label map: leave style_labels out")
        return load_codes(picture, names)
    style = encode_style(encoder, picture, size, semantics)
    name = "style" if isinstance(picture, Image.Image) else str(picture)
    return Reference(style, None if semantics is None else semantics.regions(), name)


def read_references(encoder: Any, reader: MapReader, size: tuple[int, int], style: Mapping[str, Sequence[str]],
                    labels: Mapping[str, Sequence[str]], instances: Mapping[str, Sequence[str]]
                    ) -> dict[str, list[Reference]]:
    """The styles of files, by whose they are: of a class, or of `ALL`.

    Args:
        encoder: Of the run.
        reader: Reads label maps at the training size.
        size: The training size.
        style: Files of pictures and codes.
        labels: Files of the pictures' label maps, as many; none where the encoder reads none.
        instances: Files of their instance maps, as many; none where there are none.

    Raises:
        StyleError: see `read_reference`; label maps of no picture, or more or fewer of them.
        DataError: a file cannot be read.
    """
    for key, group in (("style_labels", labels), ("style_instances", instances)):
        for name, files in group.items():
            if name not in style:
                raise StyleError(f"{_key(key, name)}= is of a picture whose style is taken, and there is none: give "
                                 f"{_key('style', name)}= as well")
            if len(files) != len(style[name]):
                raise StyleError(f"{key} of {name}: {len(files)} files for {len(style[name])} pictures whose style "
                                 "is taken: give one for each")
    found: dict[str, list[Reference]] = {}
    for name, files in style.items():
        found[name] = []
        for k, file in enumerate(files):
            of, things = (Path(group[name][k]).expanduser() if name in group else None for group in (labels, instances))
            semantics = None if of is None else reader.read(of, things)
            try:
                found[name].append(read_reference(encoder, file, size, reader.names, semantics))
            except MapMissing as error:
                why = str(error).removeprefix("style: ")
                raise StyleError(f"{file}: {why}: give {_key('style_labels', name)}=FILE") from None
    return found


def _key(key: str, name: str) -> str:
    """What is typed for a class, or for all of them."""
    return key if name == ALL else f"{key}.{name.replace(' ', '_')}"


def check_drawn(generator: Any) -> None:
    """Whether a seed can say how a picture looks.

    Raises:
        StyleError: the generator does not know what styles are like.
    """
    try:
        generator.check_drawn()
    except ValueError as error:
        raise StyleError(str(error)) from None


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


def redraw_styles(generator: Any, count: int, seed: int, semantics: Semantics | None = None) -> Style | None:
    """As `draw_styles`, from the same seed, and others."""
    state = seeds("styles drawn anew", seed).generate_state(2)
    drawn: Style | None = generator.draw_style(count, semantics, _normal(int(state[0]) << 31 ^ int(state[1])))
    return drawn


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

    shares = torch.linspace(0, 1, steps)
    return replace(ends, posterior=None).map(lambda code: _on_the_way(code[0], code[1], shares))


def mixed(first: Style, second: Style, share: float) -> Style:
    """The style at a share of the way that `walk` takes from one picture's style to another's.

    What only one of them has, as noise, stays as it is there.
    """
    ends, way = (first.codes(), second.codes()), torch.tensor([share])
    codes: dict[str, Any] = {**ends[1], **ends[0]}
    codes |= {name: _on_the_way(code[0], ends[1][name][0].to(code), way) for name, code in ends[0].items()
              if name in ends[1]}
    return Style(**codes)


def _on_the_way(first: Tensor, second: Tensor, shares: Tensor) -> Tensor:
    """Codes (S,...) along the line from one to another; their norms are on the way, too."""
    t = shares.to(first).view(-1, *[1] * first.ndim)
    line = first * (1 - t) + second * t
    ends = first.norm(dim=-1, keepdim=True), second.norm(dim=-1, keepdim=True)
    wanted = ends[0] * (1 - t) + ends[1] * t
    return line * wanted / line.norm(dim=-1, keepdim=True).clamp_min(1e-8)


def with_noise_of(style: Style, size: tuple[int, int], seed: int, walked: bool = False) -> Style:
    """A style whose noise, where it has some, has a number for each pixel of pictures of ``size`` (H, W).

    Noise of another size is drawn anew, always the same for a seed; ``walked``: styles that `walk` has made.
    """
    if style.noise is None or style.noise.shape[-2:] == size:
        return style
    count = len(style)
    noise = _normal(seed)((2 if walked else count, style.noise.shape[1], *size)).to(style.noise)
    return replace(style, noise=walk(Style(noise=noise), count).noise if walked else noise)
