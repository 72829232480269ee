"""A data set from photographs alone: what a segmenter answers stands in for label maps that nobody has drawn."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from semsynth.data.masks import read_image
from semsynth.data.palette import generated_palette
from semsynth.data.resize import resize_nearest
from semsynth.data.source import IMAGE_SUFFIXES, files_in
from semsynth.errors import DataError
from semsynth.weights.files import write_text, write_with


@dataclass(frozen=True)
class Job:
    """A photograph and the label map that is to be made of it."""

    picture: Path
    target: Path


def class_text(classes: Sequence[str], unknown: int | None, origin: str) -> str:
    """classes.yaml of label maps that hold the places of these classes as ids.

    Args:
        classes: Names, in the order of the ids.
        unknown: Place of the class of pixels that belong to none.
        origin: Who has labelled, in one line.
    """
    colours = generated_palette(len(classes), unknown)
    head: dict[str, object] = {} if unknown is None else {"unknown": classes[unknown]}
    rows = [{"name": name, "colour": colour, "id": place}
            for place, (name, colour) in enumerate(zip(classes, colours, strict=True))]
    text = yaml.safe_dump({**head, "masks": "ids", "classes": rows}, sort_keys=False, default_flow_style=None,
                          allow_unicode=True, width=200)
    return f"# Labelled by {origin}; nobody has drawn these maps.\n{text}"


def plan(images: Path, output: Path, text: str, overwrite: bool = False) -> list[Job]:
    """Lay out a data set of one's own in `output`, and list the label maps that are to be made.

    Makes output/images, a link to the photographs, unless they lie there; output/labels; output/classes.yaml.

    Args:
        images: Folder of photographs, with sub-folders.
        output: Root of the data set.
        text: Of classes.yaml.
        overwrite: Also label what has a label map, and replace a classes.yaml that says something else.

    Raises:
        DataError: there are no photographs, two of them have one name, or what is in `output` is of others.
        WritingError: `output` cannot be written.
    """
    if not images.is_dir():
        raise DataError(f"images={images}: there is no such folder of photographs")
    files = files_in(images, IMAGE_SUFFIXES)
    if not files:
        raise DataError(f"images={images}: no photographs ({', '.join(IMAGE_SUFFIXES)}) in it")
    jobs: dict[Path, Job] = {}
    for path in files:
        target = output / "labels" / path.relative_to(images).with_suffix(".png")
        if target in jobs:
            raise DataError(f"{jobs[target].picture} and {path} have the same name but for the ending: keep one of "
                            "them")
        jobs[target] = Job(path, target)
    classes = output / "classes.yaml"
    if classes.is_file() and classes.read_text(encoding="utf-8") != text and not overwrite:
        raise DataError(f"{classes}: of another segmenter or other classes: take another output=DIR, or set "
                        "overwrite=true, which labels all photographs anew")
    link = output / "images"
    if link.resolve() != images.resolve():
        if link.is_symlink() or link.exists():
            raise DataError(f"{link}: is there already and is not {images}: take another output=DIR")
        output.mkdir(parents=True, exist_ok=True)
        os.symlink(images.resolve(), link, target_is_directory=True)
    write_text(classes, text)
    return [job for job in jobs.values() if overwrite or not job.target.exists()]


def label(jobs: Sequence[Job], segment: Callable[[Image.Image], np.ndarray],
          progress: Callable[[Iterable[Job]], Iterable[Job]] = iter) -> list[str]:
    """Make label maps of the size of their photographs; return a message for each photograph that cannot be read.

    Args:
        jobs: What to make.
        segment: An RGB picture -> classes (h,w), of any size of its aspect; brought to the picture's (nearest).
        progress: Wraps the iteration, to show a progress bar.

    Raises:
        WritingError: a label map cannot be written.
    """
    faults = []
    for job in progress(jobs):
        try:
            picture = read_image(job.picture)
        except DataError as error:
            faults.append(str(error))
            continue
        classes = segment(picture).astype(np.int32)
        classes = resize_nearest(classes.astype(np.uint8) if classes.max() < 256 else classes, picture.size[::-1])
        mask = Image.fromarray(classes if classes.dtype == np.uint8 else classes.astype(np.uint16))
        write_with(job.target, lambda file, mask=mask: mask.save(file, "PNG"), sync=False)  # type: ignore[misc]
    return faults
