"""From mask files to what a trained generator is conditioned on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from semsynth.data.colours import ColourCode
from semsynth.data.edges import instance_edges
from semsynth.data.errors import DataError
from semsynth.data.icpe import Offsets
from semsynth.data.masks import checked_labels, grey_ids, is_grey, read_instances, read_mask
from semsynth.data.resize import resize_nearest
from semsynth.data.source import LABEL_SUFFIXES, files_in
from semsynth.semantics import Semantics


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


@dataclass
class MapReader:
    """Reads a mask as the run's classes: ids (grey or palette), or colours where all of them are those of classes.

    Args:
        names: class names.
        colours: [red, green, blue] of each class.
        unknown: index of the unknown class, which takes label 255, or None.
        edges: whether the generator reads instance edges.
        icpe: how offsets are made, or None where the generator reads none.
        size: (H, W) to which masks are resized (nearest), None to keep their own.
    """

    names: Sequence[str]
    colours: Sequence[Sequence[int]]
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
        labels = checked_labels(self._ids(path), len(self.names), self.unknown, path)
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

    def _ids(self, path: Path) -> np.ndarray:
        mask = read_mask(path)
        if mask.colours is None:
            return grey_ids(mask.pixels, path)
        code = ColourCode(self.names, self.colours)
        if mask.pixels.ndim == 2:
            used = mask.colours[np.unique(mask.pixels)]
            return code.decode(mask.colours[mask.pixels], path) if code.knows(used).all() else mask.pixels
        if is_grey(mask.pixels) and not code.knows(mask.pixels).all():
            return grey_ids(mask.pixels, path)
        return code.decode(mask.pixels, path)

    @staticmethod
    def _offsets(original: np.ndarray, resized: np.ndarray, make: Offsets) -> np.ndarray:
        if not make.published:
            return make(resized)
        return np.stack([resize_nearest(channel, resized.shape) for channel in make(original)])
