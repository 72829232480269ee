"""Drawing label maps in styles, and writing what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tqdm.auto import tqdm

from semsynth.data.mask_files import instance_files
from semsynth.data.pairing import aligned, by_name, frame_of
from semsynth.drawing import draw
from semsynth.errors import DataError
from semsynth.pictures.grid import colour_labels, draw_grid, to_uint8
from semsynth.style import Style
from semsynth.synthesis.maps import MapReader
from semsynth.synthesis.output import open_output
from semsynth.threads import Choice, Threads

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
def synthesize(generator: Any, reader: MapReader, masks: Mapping[str, Path], styles: Style | None,
               output: str | Path, *, instances: str | None = None, device: torch.device | str = "cpu",
               batch: int = 8, compile: bool = False, dtype: torch.dtype | None = None,
               threads: Threads = "auto", overwrite: bool = False) -> Path:
    """Draw every mask in every style into ``output``; returns the path of a grid of the first ones.

    Files are NAME.png, or NAME_01.png, NAME_02.png ... with several styles, in the sub-folders of their names. All
    masks are read and checked before anything is drawn.

    Args:
        generator: in evaluation mode.
        reader: reads masks as the run's classes.
        masks: files of label maps by name, see :func:`semsynth.synthesis.maps.find_masks`.
        styles: of S pictures, or None for a generator without a style.
        output: folder to write to; made where it is missing.
        instances: instance map, or folder of instance maps with the names of the masks.
        device: where to compute.
        batch: styles of a label map that are drawn at once.
        compile, dtype: as for :class:`semsynth.generators.inference.FoldedGenerator`.
        threads: of a CPU; ``auto`` draws the first of many maps under several numbers and keeps the fastest.
        overwrite: whether the folder may hold files already; those of the same names are replaced.

    Raises:
        DataError: a mask does not fit the run, the generator cannot make its size, or the folder holds files already.
    """
    things = find_instances(masks, instances)
    pixels: dict[str, int] = {}
    for name, mask in tqdm(masks.items(), desc="checking", unit="map", disable=len(masks) < 2):
        size = reader.read(mask, things.get(name)).size
        pixels[name] = size[0] * size[1]
        try:
            generator.feature_sizes(*size)
        except ValueError as error:
            raise DataError(f"{mask}: {error}. Leave size= out to resize label maps to the training size") from None
    folder = Path(output).expanduser()
    read = {path.parent.resolve() for path in (*masks.values(), *things.values())}
    if read & {(folder / name).parent.resolve() for name in masks}:
        raise DataError(f"output={output}: the label maps lie there, and pictures of the same names would replace "
                        "them: take another folder")
    open_output(folder, overwrite)
    fast = generator.to(device).eval().optimize_for_inference(compile=compile, dtype=dtype)
    count = 1 if styles is None else len(styles)
    # compiled kernels belong to one number of threads
    choice = Choice.of(threads, device, len(masks) if not compile else 0)
    rows: list[list[np.ndarray]] = []
    with tqdm(total=len(masks) * count, desc="synthesizing", unit="image") as bar:
        pieces = choice.timed(masks.items(), lambda item: pixels[item[0]] / 1e6, unit="megapixels", say=bar.write)
        for name, mask in pieces:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            semantics = reader.read(mask, things.get(name))
            row = [colour_labels(semantics.labels[0].numpy(), reader.colours)]
            semantics = semantics.to(device)  # prepared once for all styles
            for first in range(0, count, batch):
                style = None if styles is None else styles[first:first + batch]
                for index, image in enumerate(draw(fast, semantics, style).cpu().numpy(), first + 1):
                    row.append(to_uint8(image))
                    suffix = "" if count == 1 else f"_{index:0{max(2, len(str(count)))}d}"
                    Image.fromarray(row[-1]).save(folder / f"{name}{suffix}.png")
                    bar.update()
            if len(rows) < GRID_ROWS and (not rows or rows[0][0].shape == row[0].shape):
                rows.append(row[:GRID_COLUMNS])
    titles = ["label map", *(["generated"] if count == 1 else [f"style {i + 1}" for i in range(len(rows[0]) - 1)])]
    legend = [(name, colour) for name, colour in zip(reader.names, reader.colours, strict=True)]
    grid = folder / GRID
    grid.parent.mkdir(exist_ok=True)
    draw_grid(rows, titles, legend if len(legend) <= 40 else ()).save(grid)
    return grid
