"""Photographs: of every mode, turned, transparent, animated, damaged; one that is accepted looks as it was taken."""

import io
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from campaigns.damage import SUMMED, damaged, stored
from campaigns.folders import SIZE, photograph
from campaigns.outcomes import Case
from semsynth.data.masks import read_image
from semsynth.data.pictures import read_picture
from semsynth.errors import DataError
from semsynth.synthesis.styles import encode_style

KIND = "images"
Look = Callable[[np.ndarray], np.ndarray]
Store = Callable[[np.ndarray], bytes]
LARGEST = 24.0  # mean difference of 255 levels that a lossy file may make


def grey(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).convert("L"))


def turned(picture: np.ndarray) -> bytes:
    """A JPEG that lies, with the tag that says so."""
    image = Image.fromarray(np.rot90(picture).copy())
    exif = image.getexif()
    exif[0x0112] = 6  # turn clockwise
    return encoded(image, "JPEG", exif=exif, quality=95)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def of(convert: Look, form: str, mode: str | None = None) -> Store:
    return lambda picture: stored(Image.fromarray(convert(picture), mode), form)


def animated(picture: np.ndarray, form: str) -> bytes:
    frames = [Image.fromarray(np.roll(picture, shift, 1)) for shift in (0, 5, 9)]
    return encoded(frames[0], form, save_all=True, append_images=frames[1:])


# (name, format, its file, what it shows in the levels of `photograph`)
FAITHFUL: list[tuple[str, str, Store, Look]] = [
    ("RGB", "PNG", of(np.asarray, "PNG"), np.asarray),
    ("RGB", "TIFF", of(np.asarray, "TIFF"), np.asarray),
    ("RGB", "JPEG", lambda p: encoded(Image.fromarray(p), "JPEG", quality=95), np.asarray),
    ("turned", "JPEG", turned, np.asarray),
    ("CMYK", "JPEG", lambda p: encoded(Image.fromarray(p).convert("CMYK"), "JPEG", quality=95), np.asarray),
    ("grey", "PNG", of(grey, "PNG"), grey),
    ("16 bits", "PNG", of(lambda p: grey(p).astype(np.uint16) * 257, "PNG"), grey),
    ("16 bits", "TIFF", of(lambda p: grey(p).astype(np.uint16) * 257, "TIFF"), grey),
    ("real numbers", "TIFF", of(lambda p: grey(p).astype(np.float32) / 255, "TIFF"), grey),
    ("opaque", "PNG", of(lambda p: np.dstack([p, np.full(SIZE, 255, np.uint8)]), "PNG", "RGBA"), np.asarray),
    ("transparent", "PNG", of(lambda p: np.dstack([p, np.zeros(SIZE, np.uint8)]), "PNG", "RGBA"),
     lambda p: np.full_like(p, 255)),
    ("palette", "PNG", lambda p: stored(Image.fromarray(p).quantize(256), "PNG"), np.asarray),
    ("lossless", "WEBP", of(np.asarray, "WEBP"), np.asarray),
]
WRONG: list[tuple[str, str, Store]] = [
    ("NaN", "TIFF", of(lambda p: np.where(grey(p) > 90, np.nan, 0.5).astype(np.float32), "TIFF")),
    ("NaN everywhere", "TIFF", of(lambda p: np.full(SIZE, np.nan, np.float32), "TIFF")),
    ("infinite", "TIFF", of(lambda p: np.full(SIZE, np.inf, np.float32), "TIFF")),
    ("real numbers to 255", "TIFF", of(lambda p: grey(p).astype(np.float32), "TIFF")),
    ("32 bits", "TIFF", of(lambda p: grey(p).astype(np.int32) * 1000, "TIFF")),
    ("animated", "GIF", partial(animated, form="GIF")),
    ("animated", "PNG", partial(animated, form="PNG")),
    ("animated", "WEBP", partial(animated, form="WEBP")),
    ("a page of text", "PNG", lambda p: b"<!DOCTYPE html><html><body>404</body></html>" * 40),
]


def cases(random: np.random.Generator, folder: Path) -> Iterator[Case]:
    """A photograph as a data set checks it, as training reads it, and as the reference of a style."""
    for index in count():
        picture = photograph(int(random.integers(12)))
        if random.random() < 0.25:
            name, form, file = WRONG[int(random.integers(len(WRONG)))]
            data, shown = file(picture), None
        else:
            name, form, file, look = FAITHFUL[int(random.integers(len(FAITHFUL)))]
            data, shown = file(picture), look(picture)
        must, told = shown is not None, shown is None
        if random.random() < 0.6:
            how, data, can_tell = damaged(data, form, random)
            must, told, name = False, can_tell or (told and how == "bytes behind it"), f"{name}, {how}"
        path = folder / f"{index}.{random.choice(['png', 'jpg', form.lower()])}"
        path.write_bytes(data)
        way = int(random.integers(3))
        right = "refused" if told else like(shown) if must or (form in SUMMED and shown is not None) else lambda _: None
        yield Case(f"{index}: {name}, {form} as {path.suffix}, way {way}", reader(path, way, must), right)


def reader(path: Path, way: int, must: bool) -> Callable[[], object]:
    def read() -> object:
        try:
            if way == 0:
                return np.asarray(read_picture(path)[0])
            if way == 1:
                return np.asarray(read_image(path))
            encode_style(Encoder(), str(path), SIZE)
        except DataError as error:
            if must:
                return str(error)
            raise
        except Encoded as seen:
            return seen.args[0]

    return read


class Encoded(BaseException):
    """Carries the picture that a style encoder is shown."""


class Encoder:
    def encode(self, images: torch.Tensor, semantics: object) -> None:
        raise Encoded(np.asarray((images[0].permute(1, 2, 0) + 1) * 127.5))


def like(shown: np.ndarray | None) -> Callable[[object], str | None]:
    """What is wrong with a picture that was read."""
    def fault(read: object) -> str | None:
        if shown is None or not isinstance(read, np.ndarray) or read.shape[:2] != SIZE:
            return f"read as {getattr(read, 'shape', read)}"
        wanted = shown if shown.ndim == 3 else np.repeat(shown[..., None], 3, -1)
        off = float(np.abs(read.astype(float) - wanted).mean())
        return None if off < LARGEST else f"{off:.0f} of 255 levels off"

    return fault
