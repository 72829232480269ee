"""From mask files to what a trained generator is conditioned on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from semsynth.data.classes import ClassTable
from semsynth.data.decoder import MaskDecoder, Masks
from semsynth.data.edges import instance_edges
from semsynth.data.errors import DataError
from semsynth.data.icpe import Offsets
from semsynth.data.masks import checked_labels, is_grey, read_ids, read_instances, read_mask
from semsynth.data.resize import resize_nearest
from semsynth.data.source import LABEL_SUFFIXES, files_in
from semsynth.semantics import Semantics
from semsynth.synthesis.snap import Snap


def find_masks(path: str | Path) -> list[Path]:
    """The mask files at ``path``: the file itself, or all masks of a folder in natural order.

    Raises:
        DataError: nothing there.
    """
    path = Path(path).expanduser()
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"input={path}: no such file or folder. Give a label map or a folder of label maps.")
    masks = files_in(path, LABEL_SUFFIXES)
    if not masks:
        raise DataError(f"input={path}: no label maps in this folder ({', '.join(LABEL_SUFFIXES)})")
    return masks


def chosen_size(wish: Any, training: tuple[int, int]) -> tuple[int, int] | None:
    """(H, W) to resize to: ``training`` for None, None for "native", or the [H, W] wished for.

    Raises:
        DataError: anything else.
    """
    if wish is None or wish == "native":
        return training if wish is None else None
    sides: list[Any] = [wish] if isinstance(wish, int | float | str) else list(wish)
    if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
        raise DataError(f"size={wish} must be [HEIGHT,WIDTH] in pixels, or native")
    return sides[0], sides[1]


def mask_decoder(names: Sequence[str], colours: Sequence[Sequence[int]], ids: Sequence[int] | None = None,
                 masks: Masks | None = None, painting: Snap | None = None) -> Callable[[Path], np.ndarray]:
    """How a run's data set reads a mask file: (H, W) class ids.

    ``ids`` and ``masks`` are those of ``dataset=folder``. The published data sets (``masks`` None) go by ids, palettes
    included; a colour-coded RGB mask, as one paints it in the class colours, is understood besides.

    With ``painting`` a mask with colours is a picture in the class colours whose edges may be smoothed.
    """
    table = ClassTable(list(names), [list(c) for c in colours], list(range(len(names)) if ids is None else ids))
    decoder = MaskDecoder(table, masks or "auto")

    def painted(path: Path) -> np.ndarray:
        mask = read_mask(path)
        if mask.colours is None or painting is None:
            return read(path)
        rgb = mask.colours[mask.pixels] if mask.pixels.ndim == 2 else mask.pixels
        return painting.read(rgb, path)

    def read(path: Path) -> np.ndarray:
        pixels = read_mask(path).pixels
        return read_ids(path) if pixels.ndim == 2 or is_grey(pixels) else decoder.read(path)

    if painting is not None:
        return painted
    return decoder.read if masks else read


@dataclass
class MapReader:
    """Reads a mask as the run's data set reads its own.

    Args:
        names: class names.
        colours: [red, green, blue] of each class.
        decode: class ids (H, W) from a mask file, see :func:`mask_decoder`.
        unknown: index of the unknown class, which takes label 255, or None.
        edges: whether the generator reads instance edges.
        icpe: how offsets are made, or None where the generator reads none.
        size: (H, W) to which masks are resized (nearest), None to keep their own.
    """

    names: Sequence[str]
    colours: Sequence[Sequence[int]]
    decode: Callable[[Path], np.ndarray]
    unknown: int | None
    edges: bool
    icpe: Offsets | None
    size: tuple[int, int] | None

    def read(self, path: Path, instances: Path | None = None) -> Semantics:
        """One label map as a batch of one.

        Without an instance map the edges are the boundaries between classes.

        Raises:
            DataError: the file is broken, or holds an id or a colour that the run's classes do not cover; the instance
                map has another size.
        """
        labels = checked_labels(self.decode(path), len(self.names), self.unknown, path)
        things = labels if instances is None else read_instances(instances)
        if things.shape != labels.shape:
            raise DataError(f"{instances}: {things.shape[1]}x{things.shape[0]} (width x height), but its label map "
                            f"{path} has {labels.shape[1]}x{labels.shape[0]}: bring both to the same size")
        size = self.size or (labels.shape[0], labels.shape[1])
        original, labels, things = labels, resize_nearest(labels, size), resize_nearest(things, size)
        edges = offsets = None
        if self.edges:
            edges = instance_edges(torch.from_numpy(np.array(things)).long()[None])
        if self.icpe is not None:
            offsets = torch.from_numpy(self._offsets(original, labels, self.icpe))[None]
        return Semantics(torch.from_numpy(np.array(labels)).long()[None], len(self.names), edges, offsets)

    @staticmethod
    def _offsets(original: np.ndarray, resized: np.ndarray, make: Offsets) -> np.ndarray:
        if not make.published:
            return make(resized)
        return np.stack([resize_nearest(channel, resized.shape) for channel in make(original)])
