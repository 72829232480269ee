"""From mask files to what a trained generator is conditioned on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from semsynth.data.classes import ClassTable, Masks
from semsynth.data.colours import ColourCode
from semsynth.data.decoder import MaskDecoder
from semsynth.data.mask_files import label_files
from semsynth.data.masks import checked_labels, is_grey, read_instances, read_mask
from semsynth.data.resize import resize_nearest
from semsynth.data.source import LABEL_SUFFIXES
from semsynth.errors import DataError, StyleError
from semsynth.semantics import Semantics
from semsynth.semantics.edges import instance_edges
from semsynth.semantics.icpe import Offsets, at_size
from semsynth.synthesis.patches import NO_INSTANCES, Patch, numbered
from semsynth.synthesis.snap import Snap

MOST_PIXELS = 178_956_970  # as many as Pillow reads without refusing


def find_masks(path: str | Path, output: str | Path | None = None) -> dict[str, Path]:
    """The mask files at ``path`` by name: the file itself, or all masks below a folder in natural order.

    Names are paths below the folder without the ending. Of Cityscapes' files those of ids are taken. What lies in
    ``output``, where that is below the folder, is left out.

    Raises:
        DataError: nothing there, or two masks of one name.
    """
    path = Path(path).expanduser()
    if path.is_file():
        return {path.stem: path}
    if not path.is_dir():
        raise DataError(f"input={path}: no such file or folder. Give a label map or a folder of label maps.")
    own = None if output is None else Path(output).expanduser().resolve()
    masks: dict[str, Path] = {}
    for mask in label_files(path):
        name = mask.relative_to(path).with_suffix("").as_posix()
        if own is not None and own != path.resolve() and mask.resolve().is_relative_to(own):
            continue
        if name in masks:
            raise DataError(f"several label maps are called {name}, so their pictures would overwrite each other")
        masks[name] = mask
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
    if sides[0] * sides[1] > MOST_PIXELS:
        raise DataError(f"size={wish}: pictures of at most {MOST_PIXELS / 1e6:.0f} megapixels are drawn: take a "
                        f"smaller size, or cut the label maps into pieces")
    return sides[0], sides[1]


class Decode(Protocol):
    """How a mask file is read."""

    def __call__(self, path: Path, data: bytes | None = None) -> np.ndarray:
        """Class ids (H, W). With ``data``, the content of the file, ``path`` is its name in messages alone."""


def mask_decoder(names: Sequence[str], colours: Sequence[Sequence[int]], ids: Sequence[int] | None = None,
                 masks: Masks | None = None, painting: Snap | None = None) -> Decode:
    """How a run's data set reads a mask file.

    ``ids`` and ``masks`` are those of ``dataset=folder``. Where colours tell the classes, they do so here. All other
    data sets go by ids, palettes included; a colour-coded RGB mask, as one paints it in the class colours, can be
    nothing else and is understood besides: a colour that several classes share is the first of them.

    With ``painting`` a mask with colours is a picture in the class colours whose edges may be smoothed.
    """
    table = ClassTable(list(names), [list(c) for c in colours], list(range(len(names)) if ids is None else ids))
    by_id, by_colour = MaskDecoder(table, "ids"), MaskDecoder(table, "colours")
    code = ColourCode(table.names, table.colours, first=True)

    def read(path: Path, data: bytes | None = None) -> np.ndarray:
        if masks == "colours":
            return by_colour.read(path, data)
        pixels = read_mask(path, data).pixels
        return by_id.read(path, data) if pixels.ndim == 2 or is_grey(pixels) else code.decode(pixels, path)

    def painted(path: Path, data: bytes | None = None) -> np.ndarray:
        mask = read_mask(path, data)
        if mask.colours is None or painting is None:
            return read(path, data)
        rgb = mask.colours[mask.pixels] if mask.pixels.ndim == 2 else mask.pixels
        return painting.read(rgb, path)

    return read if painting is None else painted


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
        instances: whether there are instance maps in training, which then tell instances where no edges are read, too.
        patches: regions that are instances of their own, where no instance map is read.
    """

    names: Sequence[str]
    colours: Sequence[Sequence[int]]
    decode: Callable[[Path], np.ndarray]
    unknown: int | None
    edges: bool
    icpe: Offsets | None
    size: tuple[int, int] | None
    instances: bool = False
    patches: Sequence[Patch] = ()

    def read(self, path: Path, instances: Path | None = None) -> Semantics:
        """One label map as a batch of one.

        Without an instance map the edges are the boundaries between classes.

        Raises:
            DataError: the file is broken, or holds an id or a colour that the run's classes do not cover; the instance
                map has another size.
            StyleError: there are patches, and the map has other classes in their places, or the run knows no instances.
        """
        labels = checked_labels(self.decode(path), len(self.names), self.unknown, path)
        things = labels if instances is None else read_instances(instances)
        if things.shape != labels.shape:
            raise DataError(f"{instances}: {things.shape[1]}x{things.shape[0]} (width x height), but its label map "
                            f"{path} has {labels.shape[1]}x{labels.shape[0]}: bring both to the same size")
        size = self.size or (labels.shape[0], labels.shape[1])
        original, labels, things = labels, resize_nearest(labels, size), resize_nearest(things, size)
        if self.patches:
            if not (self.edges or self.instances):
                raise StyleError(NO_INSTANCES)
            things = numbered(labels, self.patches)
        edges = offsets = ids = None
        if self.edges or self.instances:
            ids = torch.from_numpy(np.array(things)).long()[None]
            edges = instance_edges(ids) if self.edges else None
        if self.icpe is not None:
            offsets = torch.from_numpy(at_size(self.icpe, original, labels))[None]
        return Semantics(torch.from_numpy(np.array(labels)).long()[None], len(self.names), edges, offsets,
                         instances=ids)
