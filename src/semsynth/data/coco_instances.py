"""Instance maps of COCO-Stuff, made from the polygons of COCO's annotations as for the published models."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from semsynth.data.masks import read_ids
from semsynth.data.source import files_in
from semsynth.errors import DataError
from semsynth.weights.files import write_with

LAYOUT = """
  ROOT/{train,val}_label/NAME.png                    the label maps of stuffthingmaps_trainval2017.zip
  ROOT/annotations/instances_{train,val}2017.json    of annotations_trainval2017.zip
"""


@dataclass(frozen=True)
class Job:
    """One instance map to make: from these labels, with the polygons (n,2) of each object, into this file."""

    labels: Path
    objects: list[list[np.ndarray]]
    target: Path


def fill_polygon(canvas: np.ndarray, outline: np.ndarray, value: int) -> None:
    """Write a value to the pixels of a polygon, in place.

    A pixel belongs to it where its whole-numbered (column, row) lies inside by the even-odd rule. OpenCV and PIL also
    fill the pixels that the outline touches, 3 % more of an object of usual size.

    Args:
        canvas: (H,W) integers.
        outline: (n,2) corners (x,y).
        value: What is written.
    """
    height, width = canvas.shape
    (x0, y0), (x1, y1) = outline.T, np.roll(outline, -1, axis=0).T
    top, bottom = max(0, int(np.ceil(y0.min()))), min(height - 1, int(np.floor(y0.max())))
    rows = np.arange(top, bottom + 1)[:, None]
    row, side = ((y0 <= rows) != (y1 <= rows)).nonzero()  # the sides that cross each row
    x = x0[side] + (row + top - y0[side]) * (x1[side] - x0[side]) / (y1[side] - y0[side])
    crossings = np.zeros((len(rows), width + 1), np.int32)
    np.add.at(crossings, (row, np.ceil(x).clip(0, width).astype(int)), 1)
    canvas[top : bottom + 1][crossings.cumsum(1)[:, :width] % 2 == 1] = value


def draw_instances(labels: np.ndarray, objects: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """Return an instance map: the label map, over which each object is painted with its number, from 0 on.

    As for the published models, corners are shifted by one pixel up and to the left, and numbers may coincide with
    labels: only the edges between regions are used.

    Args:
        labels: (H,W) integers.
        objects: Of each object, in the order of the file, its polygons (n,2) of (x,y) in pixels.
    """
    canvas = labels.astype(np.int32)
    for number, polygons in enumerate(objects):
        for outline in polygons:
            fill_polygon(canvas, outline - 1, number)
    return canvas.astype(np.uint8 if canvas.max() < 256 else np.uint16)


def read_objects(path: Path) -> dict[str, list[list[np.ndarray]]]:
    """Read COCO's annotations: the polygons of every object by the stem of its picture.

    Crowds, which are stored as runs of pixels and not as polygons, are left out.

    Raises:
        DataError: the file is missing, or holds something else.
    """
    try:
        content: Any = json.loads(path.read_text())
        stems = {image["id"]: Path(image["file_name"]).stem for image in content["images"]}
        objects: dict[str, list[list[np.ndarray]]] = {stem: [] for stem in stems.values()}
        for annotation in content["annotations"]:
            if isinstance(annotation["segmentation"], list):
                outlines = [np.array(outline, float).reshape(-1, 2) for outline in annotation["segmentation"]]
                objects[stems[annotation["image_id"]]].append(outlines)
    except FileNotFoundError:
        raise DataError(f"{path}: the file is missing.\nExpected layout:{LAYOUT.rstrip()}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: no annotations of COCO's instances ({error!r})") from error
    return objects


def plan(root: Path, split: str, annotations: Path, overwrite: bool = False) -> list[Job]:
    """List the instance maps that are to be made of a split.

    Args:
        root: The folder of the data set.
        split: `train` or `val`.
        annotations: instances_{split}2017.json.
        overwrite: Also those that are there.

    Raises:
        DataError: a folder or the annotations are missing, or are those of other pictures.
    """
    folders = [root / f"{split}_label{ending}" for ending in ("", "_portrait")]
    if not folders[0].is_dir():
        raise DataError(f"the folder {folders[0]} is missing.\nExpected layout:{LAYOUT.rstrip()}")
    objects = read_objects(annotations)
    jobs = []
    for folder in filter(Path.is_dir, folders):
        target = root / folder.name.replace("_label", "_inst")
        for path in files_in(folder, (".png",)):
            if path.stem not in objects:
                raise DataError(f"{path}: {annotations} knows no such picture: is it the file of another split?")
            jobs.append(Job(path, objects[path.stem], target / path.relative_to(folder)))
    if not jobs:
        raise DataError(f"{folders[0]}: no label maps in this folder")
    return [job for job in jobs if overwrite or not job.target.exists()]


def make_map(job: Job) -> None:
    """Make one instance map.

    Raises:
        DataError: the label map is broken.
    """
    drawn = draw_instances(read_ids(job.labels), job.objects)
    write_with(job.target, lambda file: Image.fromarray(drawn).save(file, "PNG"), sync=False)


def make_maps(jobs: Sequence[Job], progress: Callable[[Iterable[None]], Iterable[None]] = iter) -> None:
    """Make instance maps on all cores; `progress` wraps the iteration over them.

    Raises:
        DataError: a label map is broken.
    """
    for _ in progress(_results(jobs)):
        pass


def _results(jobs: Sequence[Job]) -> Iterator[None]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(make_map, jobs)
