"""The outdoor scenes of ADE20K, chosen by the area of their classes."""

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from semsynth.data.ade20k import ADE20K
from semsynth.data.masks import read_ids
from semsynth.data.source import Listing, Pair

log = logging.getLogger(__name__)

PUBLISHED = {"train": 9649, "val": 943}  # counts stated by CLADE (arXiv:2012.04644), whose list is not public


def _default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "semsynth"


def class_areas(path: Path) -> dict[int, float]:
    """Return the part of a label map that each of its ids covers: {id: fraction in (0,1]}."""
    ids, counts = np.unique(read_ids(path), return_counts=True)
    return dict(zip(ids.tolist(), (counts / counts.sum()).tolist(), strict=True))


class ADE20KOutdoor(ADE20K):
    """ADE20K reduced to outdoor scenes.

    CLADE speaks of "images containing categories such as sky, trees, sea", chosen without manual inspection, and gives
    no list. The rule here: the classes of `include` together cover at least `include_area` of the picture, and those of
    `exclude` together at most `exclude_area`. The areas of all pictures are counted once and kept in `cache`; the
    number of scenes found is logged beside the published one.

    Args:
        root: As for ADE20K.
        split: `train` or `val`.
        include: Raw ids of outdoor classes.
        include_area: Smallest part of the picture, in [0,1], that these cover.
        exclude: Raw ids of indoor classes.
        exclude_area: Largest part of the picture, in [0,1], that these cover.
        cache: Folder for the counted areas; null: semsynth/ in the user's cache folder.

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
    ) -> None:
        super().__init__(root, split)
        for name, area in (("include_area", include_area), ("exclude_area", exclude_area)):
            if not 0 <= area <= 1:
                raise ValueError(f"{name} must be in [0,1], got {area}")
        self.include, self.exclude = set(include), set(exclude)
        self.include_area, self.exclude_area = include_area, exclude_area
        self.cache = _default_cache() if cache is None else Path(cache).expanduser()

    def find(self, instances: bool) -> Listing:
        """List the outdoor scenes; files without partners are reported for the whole split.

        Raises:
            DataError: the root is missing, or a label map is broken.
            ValueError: instance maps are asked for.
        """
        listing = super().find(instances)
        areas = self._areas(listing.pairs)
        scenes = [pair for pair in listing.pairs if self.is_outdoor(areas[pair.name])]
        log.info(
            "ADE20K-outdoor %s: %d of %d pictures are outdoor scenes (published: %d)",
            self.split, len(scenes), len(listing.pairs), PUBLISHED[self.split],
        )  # fmt: skip
        return Listing(scenes, listing.faults)

    def is_outdoor(self, areas: dict[int, float]) -> bool:
        """Apply the rule to the areas {id: fraction} of a picture."""
        outdoor = sum(area for label, area in areas.items() if label in self.include)
        indoor = sum(area for label, area in areas.items() if label in self.exclude)
        return outdoor >= self.include_area and indoor <= self.exclude_area

    def _areas(self, pairs: list[Pair]) -> dict[str, dict[int, float]]:
        """Return the areas of every picture by name, from the cache if the label files are still the same."""
        state = "\n".join(
            f"{pair.labels.absolute()} {(s := pair.labels.stat()).st_size} {s.st_mtime_ns}" for pair in pairs
        )
        path = self.cache / f"ade20k_{self.split}_{hashlib.sha256(state.encode()).hexdigest()[:16]}.json"
        if path.is_file():
            kept = json.loads(path.read_text())
            return {name: {int(label): area for label, area in areas.items()} for name, areas in kept.items()}
        log.info("ADE20K-outdoor %s: counting the classes of %d pictures, once", self.split, len(pairs))
        areas = {pair.name: class_areas(pair.labels) for pair in pairs}
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.part")  # renamed when whole: several ranks may count at once
        partial.write_text(json.dumps(areas))
        partial.replace(path)
        return areas
