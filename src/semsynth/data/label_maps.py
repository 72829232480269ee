"""Label maps without photographs: a folder of them, and those of another data set under this one's classes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from semsynth.data.classes import load_classes
from semsynth.data.decoder import MaskDecoder
from semsynth.data.mask_files import label_files
from semsynth.data.mask_reading import reading_of
from semsynth.data.source import LABEL_SUFFIXES, Listing, Pair, Source
from semsynth.errors import DataError
from semsynth.interfaces import ChangesByEpoch, LabelSide
from semsynth.semantics.icpe import MergedOffsets, Offsets
from semsynth.semantics.samples import Sample


class LabelMaps(Source):
    """A folder of label maps, with its sub-folders.

    Masks hold this data set's ids; or, with ROOT/classes.yaml, the ids or colours that it names.

    Args:
        root: The folder.
        split: Any; the folder is one set.
    """

    title = "label maps"
    layout = """
  ROOT/.../NAME.png            ids of the data set's classes
  ROOT/classes.yaml            where the classes are others, or colours
"""

    def __init__(self, root: str | os.PathLike[str], split: str = "train") -> None:
        super().__init__(root, split)

    def find(self, instances: bool) -> Listing:
        """List the label maps; they stand for their images, which are never read.

        Raises:
            DataError: no folder, or nothing in it; or instance maps are asked for.
        """
        if instances:
            raise DataError(f"{self.root}: label maps alone have no instances: set dataset.instances=false")
        files = label_files(self.folder())
        if not files:
            raise DataError(f"{self.root}: no label maps ({', '.join(LABEL_SUFFIXES)}) in it: dataset.labels_from "
                            "names a folder of them")
        return Listing([Pair(path.relative_to(self.root).with_suffix("").as_posix(), path, path) for path in files])

    @cached_property
    def _decoder(self) -> MaskDecoder | None:
        if not (self.root / "classes.yaml").is_file():
            return None
        classes = load_classes(self.root)
        reading = reading_of(classes, "auto", lambda: label_files(self.folder()))
        return MaskDecoder(classes, "ids" if reading == "auto" else reading)

    def read_labels(self, path: Path) -> np.ndarray:
        """Read a label map: ids (H,W), or class indices by ROOT/classes.yaml.

        Raises:
            DataError: the file is broken, or holds a colour or id of no class.
        """
        return super().read_labels(path) if self._decoder is None else self._decoder.read(path)


class OtherLabels:
    """The label maps of another source under the names of this data set's classes.

    Args:
        dataset: Has `label_map(index)`; or a function of `offsets` that builds it.
        theirs: Its class names.
        ours: Class names of the data set that is trained on.
        names: Their names -> ours, where a class is called otherwise there.
        unknown: Our unknown class, which takes the classes without a partner; null where there is none.
        title: Names the source in messages.
        offsets: How the offsets of the maps are made, where `dataset` is a function: under our classes, so that classes
            of theirs that are one of ours are one region. null or disabled: none.

    Raises:
        DataError: a class has no partner and there is no unknown class; or a name in `names` is no class.
    """

    def __init__(self, dataset: LabelSide | Callable[..., LabelSide], *, theirs: Sequence[str], ours: Sequence[str],
                 names: Mapping[str, str] | None = None, unknown: int | None = None,
                 title: str = "labels_from", offsets: Offsets | None = None) -> None:
        self.table = torch.tensor(_table(theirs, ours, dict(names or {}), unknown, title))
        merged = None if offsets is None else MergedOffsets(offsets, self.table.numpy())
        self.dataset = dataset if isinstance(dataset, LabelSide) else dataset(offsets=merged)

    def __len__(self) -> int:
        """Number of label maps."""
        return len(self.dataset)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0)."""
        if isinstance(self.dataset, ChangesByEpoch):
            self.dataset.set_epoch(epoch)

    def label_map(self, index: int) -> Sample:
        """`{labels, name[, instances][, offsets]}` of a label map."""
        sample = self.dataset.label_map(index)
        return {**sample, "labels": self.table[sample["labels"]]}


def _table(theirs: Sequence[str], ours: Sequence[str], names: dict[str, str], unknown: int | None,
           title: str) -> list[int]:
    for source, target in names.items():
        if source not in theirs or target not in ours:
            where, name = (title, source) if source not in theirs else ("this data set", target)
            raise DataError(f"dataset.label_names.{source}={target}: {name!r} is no class of {where}")
    place = {name: index for index, name in enumerate(ours)}
    table = [place.get(names.get(name, name), unknown) for name in theirs]
    lost = [name for name, target in zip(theirs, table, strict=True) if target is None]
    if lost:
        raise DataError(f"dataset.labels_from={title}: {', '.join(lost)} {'is' if len(lost) == 1 else 'are'} no class "
                        f"of this data set, which has no unknown class to take them: name their partners, as in "
                        f"dataset.label_names.{lost[0]}={ours[0]}")
    return [int(target) for target in table if target is not None]
