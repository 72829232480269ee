"""Drawing label maps in styles, and writing what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm

from semsynth.data.errors import DataError
from semsynth.synthesis.maps import MapReader
from semsynth.synthesis.output import open_output
from semsynth.training.grid import colour_labels, draw_grid, to_uint8

GRID_ROWS, GRID_COLUMNS = 12, 8


def instance_file(mask: Path, instances: str | None) -> Path | None:
    """The instance map of a mask: the file given, or the file of the same stem in the folder given.

    Raises:
        DataError: it is not there.
    """
    if instances is None:
        return None
    path = Path(instances).expanduser()
    found = [path] if path.is_file() else sorted(path.glob(f"{mask.stem}.*"))
    if not found:
        raise DataError(f"instances={path}: no instance map for {mask.name}; leave instances= out to take the class "
                        "boundaries as edges")
    return found[0]


@torch.inference_mode()
def synthesize(generator: Any, reader: MapReader, masks: Sequence[Path], styles: Tensor | None,
               output: str | Path, *, instances: str | None = None, device: torch.device | str = "cpu",
               batch: int = 8, compile: bool = False, dtype: torch.dtype | None = None,
               overwrite: bool = False) -> Path:
    """Draw every mask in every style into ``output``; returns the path of a grid of the first ones.

    Files are NAME.png, or NAME_01.png, NAME_02.png ... with several styles. All masks are read and checked before
    anything is drawn.

    Args:
        generator: in evaluation mode.
        reader: reads masks as the run's classes.
        masks: files of label maps.
        styles: (S, z_dim), or None for a generator without a style vector.
        output: folder to write to; made where it is missing.
        instances: instance map, or folder of instance maps with the stems of the masks.
        device: where to compute.
        batch: styles of a label map that are drawn at once.
        compile, dtype: as for :class:`semsynth.generators.inference.FoldedGenerator`.
        overwrite: whether the folder may hold files already; those of the same names are replaced.

    Raises:
        DataError: a mask does not fit the run, or the generator cannot make its size; two masks have the same stem; the
            folder holds files already.
    """
    stems = [mask.stem for mask in masks]
    if len(set(stems)) < len(stems):
        double = next(stem for stem in stems if stems.count(stem) > 1)
        raise DataError(f"several label maps are called {double}, so their pictures would overwrite each other")
    read: list[Path] = []
    for mask in tqdm(masks, desc="checking", unit="map", disable=len(masks) < 2):
        things = instance_file(mask, instances)
        size = reader.read(mask, things).size
        read += [mask] if things is None else [mask, things]
        try:
            generator.feature_sizes(*size)
        except ValueError as error:
            raise DataError(f"{mask}: {error}. Leave size= out to resize label maps to the training size") from None
    folder = Path(output).expanduser()
    if folder.resolve() in {path.parent.resolve() for path in read}:
        raise DataError(f"output={output}: the label maps lie there, and pictures of the same names would replace "
                        "them: take another folder")
    open_output(folder, overwrite)
    fast = generator.to(device).eval().optimize_for_inference(compile=compile, dtype=dtype)
    count = 1 if styles is None else len(styles)
    rows: list[list[np.ndarray]] = []
    with tqdm(total=len(masks) * count, desc="synthesizing", unit="image") as bar:
        for mask in masks:
            semantics = reader.read(mask, instance_file(mask, instances))
            row = [colour_labels(semantics.labels[0].numpy(), reader.colours)]
            semantics = semantics.to(device).prepare(generator.feature_sizes(*semantics.size))  # once for all styles
            for first in range(0, count, batch):
                z = None if styles is None else styles[first:first + batch].to(device)
                for index, image in enumerate(fast(semantics, z).float().cpu().numpy(), first + 1):
                    row.append(to_uint8(image))
                    suffix = "" if count == 1 else f"_{index:0{max(2, len(str(count)))}d}"
                    Image.fromarray(row[-1]).save(folder / f"{mask.stem}{suffix}.png")
                    bar.update()
            if len(rows) < GRID_ROWS and (not rows or rows[0][0].shape == row[0].shape):
                rows.append(row[:GRID_COLUMNS])
    titles = ["label map", *(["generated"] if count == 1 else [f"style {i + 1}" for i in range(len(rows[0]) - 1)])]
    legend = [(name, colour) for name, colour in zip(reader.names, reader.colours, strict=True)]
    grid = folder / "grid" / "grid.png"
    grid.parent.mkdir(exist_ok=True)
    draw_grid(rows, titles, legend if len(legend) <= 40 else ()).save(grid)
    return grid
