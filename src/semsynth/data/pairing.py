"""Which files belong together: by their paths below their folders, whatever endings their names share."""

import logging
import re
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import takewhile
from pathlib import Path

from semsynth.errors import DataError

log = logging.getLogger(__name__)

# Cityscapes keeps the files of a frame beside each other and tells them apart by these
_FRAME = re.compile(r"(.+)_(?:leftImg8bit|gt(?:Fine|Coarse)_[A-Za-z]+)")


def frame_of(stem: str) -> str | None:
    """The frame `CITY_SEQUENCE_FRAME` of a name of Cityscapes' files; None for other names."""
    found = _FRAME.fullmatch(stem)
    return found[1] if found else None


def by_name(folder: Path, files: Iterable[Path]) -> dict[str, Path]:
    """Key files by their paths below a folder, without suffix; Cityscapes' files by their frame.

    Letters count by what they are: systems write é as one character or as two, and copies of one folder may differ.

    Raises:
        DataError: two files have the same key.
    """
    keyed: dict[str, Path] = {}
    for path in files:
        name = frame_of(path.stem) or path.relative_to(folder).with_suffix("").as_posix()
        key = unicodedata.normalize("NFC", name)
        if key in keyed:
            raise DataError(f"{keyed[key]} and {path} have the same name but for the ending: keep one of them")
        keyed[key] = path
    return keyed


def aligned(images: dict[str, Path], others: dict[str, Path], what: str) -> tuple[dict[str, Path], dict[str, Path]]:
    """Take the endings off that tell the files of two folders apart, such as `_mask`, where no name is in both.

    An ending counts where all names of a folder share it, from a separator on, and it holds a letter (a number tells
    samples apart). Says in one line what was taken off. `what` names the others.
    """
    if not images or not others or images.keys() & others.keys():
        return images, others
    options = [(ours, theirs) for ours in _endings(images) for theirs in _endings(others)
               if len(images) > 1 or not (ours and theirs)]
    hits = {pair: len(_trimmed(images, pair[0]).keys() & _trimmed(others, pair[1]).keys()) for pair in options}
    ours, theirs = max(hits, key=lambda pair: hits[pair])  # the first of the best takes off least
    if not hits[ours, theirs]:
        return images, others
    log.info("%s pair with images as NAME%s and NAME%s", what, theirs, ours)
    return _trimmed(images, ours), _trimmed(others, theirs)


def _endings(keyed: Mapping[str, Path]) -> list[str]:
    backwards = zip(*(key.rpartition("/")[2][::-1] for key in keyed), strict=False)
    shared = "".join(column[0] for column in takewhile(lambda column: len(set(column)) == 1, backwards))[::-1]
    starts = [place for place, character in enumerate(shared) if character in "_-. "]
    return ["", *(shared[place:] for place in reversed(starts) if re.search("[A-Za-z]", shared[place:]))]


def _trimmed(keyed: Mapping[str, Path], ending: str) -> dict[str, Path]:
    return {key.removesuffix(ending): path for key, path in keyed.items()}
