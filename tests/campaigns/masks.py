"""Masks: what is drawn wrongly, stored wrongly or damaged; a mask that is accepted has the labels that were drawn."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image

from campaigns.damage import SUMMED, FewBits, damaged, stored
from campaigns.folders import CLASSES, SIZE, labels
from campaigns.outcomes import Case
from semsynth.data.classes import ClassTable
from semsynth.data.decoder import MaskDecoder
from semsynth.data.masks import checked_labels, read_instances
from semsynth.errors import DataError
from semsynth.synthesis.maps import mask_decoder

KIND = "masks"
NAMES = [str(row["name"]) for row in CLASSES]
COLOURS = [list(row["colour"]) for row in CLASSES]
TABLE = ClassTable(NAMES, COLOURS, [0, 1, 2])

# What a program may make of the labels: (name, format, how). All of these are the same labels.
FAITHFUL: list[tuple[str, str, Callable[[np.ndarray], Image.Image]]] = [
    ("grey", "PNG", Image.fromarray),
    ("grey", "BMP", Image.fromarray),
    ("grey", "TIFF", Image.fromarray),
    ("16 bits", "PNG", lambda m: Image.fromarray(m.astype(np.uint16))),
    ("16 bits", "TIFF", lambda m: Image.fromarray(m.astype(np.uint16))),
    ("32 bits", "TIFF", lambda m: Image.fromarray(m.astype(np.int32))),
    ("real numbers", "TIFF", lambda m: Image.fromarray(m.astype(np.float32))),
    ("grey as RGB", "PNG", lambda m: Image.fromarray(np.repeat(m[..., None], 3, -1))),
    ("grey and alpha", "PNG", lambda m: Image.fromarray(np.stack([m, np.full_like(m, 90)], -1), "LA")),
    ("palette", "PNG", lambda m: with_palette(m)),
    ("transparent palette", "PNG", lambda m: with_palette(m, transparency=1)),
    ("grey of 2 bits", "PNG", lambda m: FewBits(m, 2)),
    ("grey of 4 bits", "PNG", lambda m: FewBits(m, 4)),
    ("lossless", "WEBP", lambda m: Image.fromarray(np.repeat(m[..., None], 3, -1))),
]
# What is wrong, and cannot be anything else.
WRONG: list[tuple[str, str, Callable[[np.ndarray], Image.Image]]] = [
    ("with loss", "JPEG", Image.fromarray),
    ("an id of no class", "PNG", lambda m: Image.fromarray(np.where(m == 2, 9, m).astype(np.uint8))),
    ("negative", "TIFF", lambda m: Image.fromarray(m.astype(np.int32) - 1)),
    ("NaN", "TIFF", lambda m: Image.fromarray(np.where(m == 2, np.nan, m).astype(np.float32))),
    ("infinite", "TIFF", lambda m: Image.fromarray(np.where(m == 2, np.inf, m).astype(np.float32))),
    ("halves", "TIFF", lambda m: Image.fromarray(m.astype(np.float32) / 2)),
    ("huge ids", "TIFF", lambda m: Image.fromarray(m.astype(np.int32) * 10**9)),
    ("CMYK", "TIFF", lambda m: Image.fromarray(np.repeat(m[..., None], 4, -1), "CMYK")),
    ("colours of no class", "PNG", lambda m: Image.fromarray(np.stack([m * 80, m * 3, m], -1).astype(np.uint8))),
]


def with_palette(mask: np.ndarray, **info: int) -> Image.Image:
    image = Image.fromarray(mask, "L")
    image.putpalette([part for colour in COLOURS for part in colour])
    image.info |= info
    return image


def cases(random: np.random.Generator, folder: Path) -> Iterator[Case]:
    """A mask in one of the ways in which masks are read, stored faithfully, wrongly, or damaged afterwards."""
    for index in count():
        drawn = labels(int(random.integers(12)))
        table = WRONG if random.random() < 0.25 else FAITHFUL
        name, form, draw = table[int(random.integers(len(table)))]
        data, told = stored(draw(drawn), form), table is WRONG
        must = table is FAITHFUL
        if random.random() < 0.6:
            how, data, can_tell = damaged(data, form, random)
            name, told, must = f"{name}, {how}", (told and how == "bytes behind it") or can_tell, False
        way = int(random.integers(3 if table is FAITHFUL else 2))
        suffix = str(random.choice(["png", form.lower()]))
        path = folder / f"{index}.{suffix}"
        path.write_bytes(data)
        right = "refused" if told else same(drawn) if must or form in SUMMED else lambda _: None
        yield Case(f"{index}: {name}, {form} as {suffix}, way {way}", reader(path, way, must), right)


def reader(path: Path, way: int, must: bool) -> Callable[[], np.ndarray | str]:
    """How a data set, a run's commands, and instances are read; a refusal of what must be read comes as its words."""
    def read() -> np.ndarray | str:
        try:
            if way == 0:
                ids = MaskDecoder(TABLE, "ids").read(path)
            elif way == 1:
                ids = mask_decoder(NAMES, COLOURS)(path)
            else:  # instances, whose numbers mean nothing
                ids = np.searchsorted(np.unique(things := read_instances(path)), things)
            return checked_labels(ids, len(NAMES), None, path)
        except DataError as error:
            if must:
                return str(error)
            raise

    return read


def same(drawn: np.ndarray) -> Callable[[object], str | None]:
    """What is wrong with labels that were read."""
    def fault(read: object) -> str | None:
        if not isinstance(read, np.ndarray) or read.shape != SIZE:
            return f"read as {getattr(read, 'shape', read)}"
        wrong = int((read != drawn).sum())
        return None if wrong == 0 else f"{wrong} of {drawn.size} labels differ"

    return fault
