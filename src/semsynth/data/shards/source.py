"""A split that is read from shards in place of its files."""

import os
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import overload

import numpy as np
from PIL import Image

from semsynth.data.decoding import picture_size
from semsynth.data.masks import read_image
from semsynth.data.pictures import read_picture
from semsynth.data.shards.about import ANEW, about, check_fresh
from semsynth.data.shards.records import StoredPair, decode, unpacked
from semsynth.data.shards.storage import Storage, below
from semsynth.data.source import Listing, Pair, Source
from semsynth.errors import DataError

RECENT = 16  # samples that are kept: each is asked for its image, labels and instances in turn


class Shards(Source):
    """The samples of a source, in its order, from what `semsynth.data.shards.making` has made of it.

    Args:
        shards: Folder or URL that holds train/ and val/.
        split: `train` or `val`.
        source: The files that they were made of, which need not be there.
        classes: Names of the data set's classes, with which the shards' must agree.
        cache: Folder on this machine's own disk for shards from a URL; null: shards/ in $SEMSYNTH_CACHE, or in
            ~/.cache/semsynth.
    """

    def __init__(self, shards: str, split: str, source: Source, classes: Sequence[str],
                 cache: str | os.PathLike[str] | None = None) -> None:
        super().__init__(source.root, split)
        self.shards, self.source, self.classes, self.cache = shards, source, list(classes), chosen_cache(cache)
        self.title, self.layout = f"{source.title} (shards)", source.layout
        self._version = ""

    def find(self, instances: bool) -> Listing:
        """The samples, which are read one by one as they are asked for.

        Raises:
            DataError: no shards are there; they are of another data set, or older than its files; or instance maps are
                asked for and were not put into them.
        """
        storage = Storage(below(self.shards, self.split), self.cache)
        found = about(storage)
        theirs = list(found.facts["classes"])
        if theirs != self.classes:
            raise DataError(f"shards={self.shards}: of {found.facts['name']} with {len(theirs)} classes "
                            f"({_few(theirs)}), but this data set has {len(self.classes)} ({_few(self.classes)}): name "
                            f"its own shards, or {ANEW}")
        if instances and not found.facts["instances"]:
            raise DataError(f"shards={self.shards}: made without instance maps: set dataset.instances=false, or make "
                            "them anew with dataset.instances=true")
        check_fresh(found, self.source, instances, self.shards)
        self._version = f"{len(storage)} samples of {storage.index['updated_at']}"
        return Listing(_Pairs(storage, instances))

    @property
    def place(self) -> dict[str, str]:
        """What tells these shards from others, in plain values."""
        return {"source": type(self).__name__, "root": self.shards, "split": self.split}

    def state(self, pairs: Sequence[Pair], order: Iterable[int]) -> str:
        """When the shards were made; nothing is read."""
        return self._version

    def image_of(self, pair: Pair) -> Image.Image:
        """The image of a sample."""
        return read_image(pair.image, _stored(pair).picture)

    def picture_of(self, pair: Pair) -> tuple[Image.Image, list[str]]:
        """The same, and what was done to it."""
        return read_picture(pair.image, _stored(pair).picture)

    def size_of(self, pair: Pair) -> tuple[int, int]:
        """(H,W) of the image of a sample."""
        return picture_size(pair.image, _stored(pair).picture)

    def labels_of(self, pair: Pair) -> np.ndarray:
        """The label map of a sample, as the source read it."""
        return _map(pair, _stored(pair).label_map)

    def instances_of(self, pair: Pair) -> np.ndarray | None:
        """The instance map of a sample; None where none is asked for."""
        return None if pair.instances is None else _map(pair, _stored(pair).instance_map)


class _Pairs(Sequence[Pair]):
    """The samples of a storage."""

    def __init__(self, storage: Storage, instances: bool) -> None:
        self._storage, self._instances = storage, instances
        self._recent: OrderedDict[int, StoredPair] = OrderedDict()

    def __len__(self) -> int:
        return len(self._storage)

    @overload
    def __getitem__(self, index: int) -> Pair: ...

    @overload
    def __getitem__(self, index: slice) -> list[Pair]: ...

    def __getitem__(self, index: int | slice) -> Pair | list[Pair]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        pair = self._recent.get(place)
        if pair is None:
            pair = self._recent[place] = decode(self._storage[place], self._instances)
            if len(self._recent) > RECENT:
                self._recent.popitem(last=False)
        return pair


def chosen_cache(cache: str | os.PathLike[str] | None) -> Path:
    """The folder that shards are downloaded into."""
    default = Path(os.environ.get("SEMSYNTH_CACHE") or "~/.cache/semsynth", "shards")
    return (default if cache is None else Path(cache)).expanduser()


def _stored(pair: Pair) -> StoredPair:
    assert isinstance(pair, StoredPair)
    return pair


def _map(pair: Pair, data: bytes) -> np.ndarray:
    try:
        return unpacked(data)
    except (zlib.error, ValueError) as error:
        raise DataError(f"{pair.labels}: damaged in its shard ({error}): {ANEW}") from error


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
