"""Cityscapes (arXiv:1604.01685): 2,975 training and 500 validation street scenes, 35 raw label ids."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from semsynth.data.pairing import by_name
from semsynth.data.source import Listing, Source, files_in, match
from semsynth.errors import DataError


class Cityscapes(Source):
    """A split of Cityscapes in its own layout; files belong together by city, sequence and frame.

    Args:
        root: The folder that holds leftImg8bit/ and gtFine/.
        split: `train` or `val`.
        cities: Take these cities only; null: all.
    """

    title = "Cityscapes"
    layout = """
  ROOT/leftImg8bit/{train,val}/CITY/CITY_SEQUENCE_FRAME_leftImg8bit.png
  ROOT/gtFine/{train,val}/CITY/CITY_SEQUENCE_FRAME_gtFine_labelIds.png
  ROOT/gtFine/{train,val}/CITY/CITY_SEQUENCE_FRAME_gtFine_instanceIds.png (with dataset.instances=true)
"""

    def __init__(self, root: str | os.PathLike[str], split: str, cities: Sequence[str] | None = None) -> None:
        super().__init__(root, split)
        self.cities = None if cities is None else list(cities)

    def find(self, instances: bool) -> Listing:
        """List the samples.

        Raises:
            DataError: a folder or a city is missing.
        """
        pictures = self.folder("leftImg8bit", self.split)
        annotations = self.folder("gtFine", self.split)
        for city in self.cities or ():
            if not (pictures / city).is_dir():
                raise DataError(f"{pictures / city} is missing: cities={self.cities} names a city without pictures")
        labels = self._select(annotations, "_gtFine_labelIds")
        maps = self._select(annotations, "_gtFine_instanceIds") if instances else None
        return match(self._select(pictures, "_leftImg8bit"), labels, maps)

    def _select(self, folder: Path, ending: str) -> dict[str, Path]:
        """Key the files whose stems have this ending by their frame."""
        files: Iterable[Path] = files_in(folder, (".png", ".jpg"))
        if self.cities is not None:
            files = (path for path in files if path.parent.name in self.cities)
        return by_name(folder, (path for path in files if path.stem.endswith(ending)))
