"""Drawing label maps in styles, and writing what comes out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tqdm.auto import tqdm

from semsynth.data.mask_files import instance_files
from semsynth.data.pairing import aligned, by_name, frame_of
from semsynth.drawing import draw
from semsynth.errors import DataError, StyleError
from semsynth.pictures.grid import colour_labels, draw_grid, to_uint8
from semsynth.sharing import from_first, mine, processes, shared
from semsynth.style import Style
from semsynth.synthesis.map_styles import MapStyles
from semsynth.synthesis.maps import MapReader
from semsynth.synthesis.output import open_output
from semsynth.threads import Choice, Threads
from semsynth.weights.files import write_with

GRID = Path("grid", "grid.png")  # below the folder of pictures
GRID_ROWS, GRID_COLUMNS = 12, 8


def find_instances(masks: Mapping[str, Path], instances: str | None) -> dict[str, Path]:
    """The instance maps of masks by the masks' names: the file given, or those of a folder, paired as a data set's.

    Raises:
        DataError: one is not there.
    """
    if instances is None:
        return {}
    path = Path(instances).expanduser()
    if path.is_file():
        return dict.fromkeys(masks, path)
    if not path.is_dir():
        raise DataError(f"instances={path}: no such file or folder")
    own = {mask.resolve() for mask in masks.values()}  # a folder may hold both kinds
    things = by_name(path, [file for file in instance_files(path) if file.resolve() not in own])
    keyed, things = aligned({frame_of(mask.stem) or name: mask for name, mask in masks.items()}, things,
                            "instance maps")
    key_of = {mask: key for key, mask in keyed.items()}
    for mask in masks.values():
        if key_of.get(mask) not in things:
            raise DataError(f"instances={path}: no instance map for {mask}; leave instances= out to take the class "
                            "boundaries as edges")
    return {name: things[key_of[mask]] for name, mask in masks.items()}


@torch.inference_mode()
def synthesize(generator: Any, reader: MapReader, masks: Mapping[str, Path], styles: MapStyles,
               output: str | Path, *, instances: str | None = None, device: torch.device | str = "cpu",
               batch: int = 8, compile: bool = False, dtype: torch.dtype | None = None,
               threads: Threads = "auto", overwrite: bool = False, words: Mapping[str, Any] | None = None,
               tile: Any = None, fitted: Callable[[Style, tuple[int, int]], Style] | None = None) -> Path:
    """Draw every mask in every style into ``output``; returns the path of a grid of the first ones.

    Files are NAME.png, or NAME_01.png, NAME_02.png ... with several styles, in the sub-folders of their names. All
    masks are read and checked before anything is drawn. Several processes share the masks.

    Args:
        generator: in evaluation mode.
        reader: reads masks as the run's classes.
        masks: files of label maps by name, see :func:`semsynth.synthesis.maps.find_masks`.
        styles: of each of them.
        output: folder to write to; made where it is missing.
        instances: instance map, or folder of instance maps with the names of the masks.
        device: where to compute.
        batch: styles of a label map that are drawn at once.
        compile, dtype: as for :class:`semsynth.generators.inference.FoldedGenerator`.
        threads: of a CPU; ``auto`` draws the first of many maps under several numbers and keeps the fastest.
        overwrite: whether the folder may hold files already; those of the same names are replaced.
        words: what moves the pictures, see :func:`semsynth.synthesis.output.made_with`: those of the same words that
            are there already are left as they are. None: none is.
        tile: of pictures that are drawn in tiles, see :func:`semsynth.drawing.draw`; a style at a time then.
        fitted: makes of the styles those for pictures of a size (H, W), as their noise follows it; None: as they are.

    Raises:
        DataError: a mask does not fit the run, the generator cannot make its size or draw in tiles, or the folder holds
            files already.
        StyleError: a mask lacks the instance that is to be changed.
    """
    if tile is not None:
        batch = 1
        try:
            generator.check_tiles(tile)
        except ValueError as error:
            raise DataError(str(error)) from None
    things = find_instances(masks, instances)
    items = list(masks.items())

    def check(item: tuple[str, Path]) -> tuple[tuple[int, int], list[str]]:
        name, mask = item
        with named(mask):
            semantics = reader.read(mask, things.get(name))
        try:
            generator.readings(*semantics.size)
        except ValueError as error:
            raise DataError(f"{mask}: {error}. Leave size= out to resize label maps to the training size") from None
        with named(mask):
            styles.edit.check(semantics)
        return semantics.size, styles.edit.absent(semantics)

    checked = shared(mine(items), check, len(items), "checking")
    found_in = list(tqdm(checked, "checking", len(items), unit="map", disable=len(items) < 2))
    sizes = {name: size for name, (size, _) in zip(masks, found_in, strict=True)}
    _tell_absent(items, [absent for _, absent in found_in])
    folder = Path(output).expanduser()
    read = {path.parent.resolve() for path in (*masks.values(), *things.values())}
    if read & {(folder / name).parent.resolve() for name in masks}:
        raise DataError(f"output={output}: the label maps lie there, and pictures of the same names would replace "
                        "them: take another folder")
    place = from_first(lambda: open_output(folder, overwrite, words), "output")
    fast = generator.to(device).eval().optimize_for_inference(compile=compile, dtype=dtype)
    count = styles.count
    # compiled kernels belong to one number of threads
    choice = Choice.of(threads, device, len(masks) if not compile else 0)
    shown = [name for name, size in sizes.items() if size == sizes[items[0][0]]][:GRID_ROWS]
    rank, world = processes()
    with tqdm(total=len(masks) * count, desc="synthesizing", unit="image") as bar:

        def draw_all(item: tuple[str, Path]) -> Drawn:
            """A mask in every style."""
            name, mask = item
            sources = [mask, *([things[name]] if name in things else [])]
            semantics = reader.read(mask, things.get(name))
            drawn = Drawn(name, [colour_labels(semantics.labels[0].numpy(), reader.colours)])
            of_map = on_device = None
            for first in range(0, count, batch):
                files = [folder / f"{name}{_suffix(index, count)}.png"
                         for index in range(first, min(first + batch, count))]
                there = all(place.holds(file, *sources) for file in files)
                if there:
                    pictures = [np.asarray(Image.open(file)) for file in files] if name in shown else []
                    drawn.kept += len(files)
                else:
                    if on_device is None:  # prepared once for all styles
                        of_map, on_device = styles.of(semantics), semantics.to(device)
                        if of_map is not None and fitted is not None:
                            of_map = fitted(of_map, sizes[name])
                    style = None if of_map is None else of_map[first:first + batch]
                    pictures = [to_uint8(image) for image in draw(fast, on_device, style, tile, _tiles).cpu().numpy()]
                    for picture, file in zip(pictures, files, strict=True):
                        _save(Image.fromarray(picture), file)
                drawn.row += pictures if name in shown and first < GRID_COLUMNS else []
                bar.update(len(files))
            drawn.row = drawn.row[:GRID_COLUMNS] if name in shown else []
            return drawn

        found = shared(mine(items), draw_all, len(items), "pictures")
        rows, kept = [], 0
        for index, drawn in enumerate(choice.timed(found, lambda drawn: math.prod(sizes[drawn.name]) / 1e6,
                                                   unit="megapixels", say=bar.write)):
            rows += [drawn.row] if drawn.row else []
            kept += drawn.kept
            bar.update(0 if index % world == rank else count)
        if kept:
            bar.write(f"{kept} of {len(masks) * count} pictures were there already")
    titles = ["label map", *(["generated"] if count == 1 else [f"style {i + 1}" for i in range(len(rows[0]) - 1)])]
    legend = [(name, colour) for name, colour in zip(reader.names, reader.colours, strict=True)]
    return from_first(lambda: _save(draw_grid(rows, titles, legend if len(legend) <= 40 else ()), folder / GRID),
                      "grid")


def _tell_absent(items: Sequence[tuple[str, Path]], absent: Sequence[Sequence[str]]) -> None:
    """Say of how many label maps nothing changes, as they lack a class that is changed.

    Raises:
        StyleError: there is one label map, and it does.
    """
    for name, count in Counter(name for names in absent for name in names).items():
        if len(items) == 1:
            raise StyleError(f"{items[0][1]} shows no {name}, whose style is to change: leave {name} out of style and "
                             "resample, or name a class that it shows")
        if processes()[0] == 0:
            print(f"{count} of {len(items)} label maps show no {name}, of which nothing can change there")


def _tiles(items: Iterable[Any], title: str, total: int) -> Iterable[Any]:
    """Shows how far the tiles of a picture have come."""
    return tqdm(items, title, total, unit="tile", leave=False)


@dataclass
class Drawn:
    """What a process tells of a mask: its `row` of the grid, empty where it is not shown, and the pictures `kept`."""

    name: str
    row: list[np.ndarray]
    kept: int = 0


@contextmanager
def named(mask: Path) -> Iterator[None]:
    """Name the label map in errors of its style."""
    try:
        yield
    except StyleError as error:
        raise StyleError(f"{mask}: {error}") from None


def _suffix(index: int, count: int) -> str:
    """Of the files of a mask that is drawn ``count`` times."""
    return "" if count == 1 else f"_{index + 1:0{max(2, len(str(count)))}d}"


def _save(picture: Image.Image, path: Path) -> Path:
    return write_with(path, lambda file: picture.save(file, "PNG"), sync=False)
