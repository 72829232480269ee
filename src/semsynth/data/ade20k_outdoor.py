"""The outdoor scenes of ADE20K: the published selection, or our own by the area of their classes."""

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from semsynth.data.ade20k import ADE20K
from semsynth.data.masks import read_ids
from semsynth.data.source import IMAGE_SUFFIXES, Listing, Pair, files_in
from semsynth.errors import DataError
from semsynth.weights.files import write_text

log = logging.getLogger(__name__)

PUBLISHED = {"train": 9649, "val": 943}  # counts stated by CLADE (arXiv:2012.04644)


def _default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "semsynth"


def class_areas(path: Path) -> dict[int, float]:
    """Return the part of a label map that each of its ids covers: {id: fraction in (0,1]}."""
    ids, counts = np.unique(read_ids(path), return_counts=True)
    return dict(zip(ids.tolist(), (counts / counts.sum()).tolist(), strict=True))


def selected_names(path: Path) -> set[str]:
    """Read the stems of a selection: the lines of a text file, or the pictures below a folder.

    Raises:
        DataError: neither is there.
    """
    if path.is_dir():
        return {picture.stem for picture in files_in(path, IMAGE_SUFFIXES)}
    if not path.is_file():
        raise DataError(f"dataset.names={path}: no such file or folder: a text file with the name of a picture in each "
                        "line, or the folder of the selected pictures")
    return {Path(line.strip()).stem for line in path.read_text().splitlines() if line.strip()}


class ADE20KOutdoor(ADE20K):
    """ADE20K reduced to outdoor scenes.

    CLADE speaks of "images containing categories such as sky, trees, sea", chosen without manual inspection; its README
    links to the selected pictures, which `names` takes. Without them our own rule chooses: the classes of `include`
    together cover at least `include_area` of the picture, and those of `exclude` together at most `exclude_area`. The
    areas of all pictures are counted once and kept in `cache`. The number of scenes is logged beside the published one.

    Args:
        root: As for ADE20K.
        split: `train` or `val`.
        include: Raw ids of outdoor classes.
        include_area: Smallest part of the picture, in [0,1], that these cover.
        exclude: Raw ids of indoor classes.
        exclude_area: Largest part of the picture, in [0,1], that these cover.
        cache: Folder for the counted areas; null: semsynth/ in the user's cache folder.
        names: The selection: a text file with the name of a picture in each line, or a folder below which the selected
            pictures lie (the authors' copy, which may be the root as well); null: our rule.

    Raises:
        ValueError: an area outside [0,1].
    """

    title = "ADE20K-outdoor"

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str,
        include: Sequence[int],
        exclude: Sequence[int],
        include_area: float = 0.1,
        exclude_area: float = 0.0,
        cache: str | os.PathLike[str] | None = None,
        names: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(root, split)
        for name, area in (("include_area", include_area), ("exclude_area", exclude_area)):
            if not 0 <= area <= 1:
                raise ValueError(f"{name} must be in [0,1], got {area}")
        self.include, self.exclude = set(include), set(exclude)
        self.include_area, self.exclude_area = include_area, exclude_area
        self.cache = _default_cache() if cache is None else Path(cache).expanduser()
        self.names = None if names is None else Path(names).expanduser()

    def find(self, instances: bool) -> Listing:
        """List the outdoor scenes; files without partners are reported for the whole split.

        Raises:
            DataError: a folder or the selection is missing, or a label map is broken.
        """
        listing = super().find(instances)
        if self.names is None:
            areas = self._areas(listing.pairs)
            scenes = [pair for pair in listing.pairs if self.is_outdoor(areas[pair.name])]
            chosen = "by our rule, not the published selection (dataset.names)"
        else:
            names = selected_names(self.names)
            scenes = [pair for pair in listing.pairs if pair.image.stem in names]
            lost = sorted(name for name in names - {pair.image.stem for pair in scenes} if f"_{self.split}_" in name)
            listing.faults += [f"{self.names}: {name} is not among the pictures of {self.root}" for name in lost]
            chosen = f"by {self.names}"
        log.info(
            "ADE20K-outdoor %s: %d of %d pictures are outdoor scenes (published: %d) %s",
            self.split, len(scenes), len(listing.pairs), PUBLISHED[self.split], chosen,
        )  # fmt: skip
        return Listing(scenes, listing.faults)

    def is_outdoor(self, areas: dict[int, float]) -> bool:
        """Apply the rule to the areas {id: fraction} of a picture."""
        outdoor = sum(area for label, area in areas.items() if label in self.include)
        indoor = sum(area for label, area in areas.items() if label in self.exclude)
        return outdoor >= self.include_area and indoor <= self.exclude_area

    def _areas(self, pairs: Sequence[Pair]) -> dict[str, dict[int, float]]:
        """Return the areas of every picture by name, from the cache if the label files are still the same."""
        state = "\n".join(
            f"{pair.labels.absolute()} {(s := pair.labels.stat()).st_size} {s.st_mtime_ns}" for pair in pairs
        )
        digest = hashlib.sha256(state.encode("utf-8", "surrogateescape")).hexdigest()
        path = self.cache / f"ade20k_{self.split}_{digest[:16]}.json"
        if path.is_file():
            kept = json.loads(path.read_text())
            return {name: {int(label): area for label, area in areas.items()} for name, areas in kept.items()}
        log.info("ADE20K-outdoor %s: counting the classes of %d pictures, once", self.split, len(pairs))
        areas = {pair.name: class_areas(pair.labels) for pair in pairs}
        write_text(path, json.dumps(areas))  # several ranks may count at once
        return areas
