"""The shards of one split through litdata: found, downloaded where they lie elsewhere, and read at any place."""

import json
import logging
import os
import struct
import threading
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from shutil import disk_usage
from typing import Any

from semsynth.errors import DataError

WAY_OUT = "pip install 'semsynth[shards]'"
INDEX = "index.json"  # as litdata names it; ours is a key of it
OPEN = 128  # shards that a process keeps open
PATIENCE = 600.0  # seconds for another process that downloads the same shard
MADE_BY = "`python tools/make_shards.py` with the same dataset=... words makes them"


def is_remote(place: str) -> bool:
    """Whether shards lie where litdata downloads them from: s3://, gs://, ..., and `local:DIR` for another file system.
    """
    return "://" in place or place.startswith("local:")


def below(place: str, *names: str) -> str:
    """A place below that of shards."""
    return "/".join([place.rstrip("/"), *names])


class Storage:
    """Samples of one split by their index, each a list of bytes; to be read by several threads and forked processes.

    Args:
        place: Folder of the split's shards, or a URL that litdata reads.
        cache: Folder on a disk of this machine, where shards from elsewhere are kept, all of them.

    Raises:
        DataError: litdata is not installed, no shards are there, or they cannot be reached or kept.
    """

    def __init__(self, place: str, cache: str | Path) -> None:
        try:
            from litdata import StreamingDataset
            from litdata.streaming.config import ChunksConfig
            from litdata.streaming.item_loader import PyTreeLoader
            from litdata.streaming.serializers import _get_serializers
        except ImportError as error:
            raise DataError(f"shards={place}: shards are read by litdata: {WAY_OUT} ({error})") from error
        for name in ("litdata", "botocore"):  # not how it reads, and where it found its keys
            logging.getLogger(name).setLevel(logging.WARNING)
        self.place, self.cache = place, str(Path(cache).expanduser())
        if not is_remote(place):
            place = str(Path(place).expanduser())
            if not Path(place, INDEX).is_file():
                raise DataError(f"{place}: no shards, there is no {INDEX} in it: {MADE_BY}, and writes it last")
        self._loader = PyTreeLoader()
        try:
            found = StreamingDataset(place, cache_dir=self.cache, item_loader=PyTreeLoader()).input_dir
            self._load = partial(ChunksConfig.load, found.path, _get_serializers(None), found.url, self._loader)
            self._shards, self._process = self._load(), os.getpid()
        except Exception as error:  # of whichever service: it may be wrong in as many ways as there are
            raise DataError(f"{self.place}: shards cannot be read there ({type(error).__name__}: {error}): is the "
                            f"place right, and are you let in? {MADE_BY}") from error
        self.folder, self._remote = Path(found.path), found.url is not None
        self.index: dict[str, Any] = json.loads((self.folder / INDEX).read_text(encoding="utf-8"))
        chunks: Sequence[dict[str, Any]] = self.index["chunks"]
        if {*self.index["config"]["data_format"]} != {"bytes"} or any(Path(c["filename"]).name != c["filename"]
                                                                      for c in chunks):
            raise DataError(f"{self.place}: a data set of litdata, but not of this program: {MADE_BY}")
        self._names = [str(chunk["filename"]) for chunk in chunks]
        self._bytes = [int(chunk["chunk_bytes"]) for chunk in chunks]
        self._ends = list(accumulate(int(chunk["chunk_size"]) for chunk in chunks))
        self._files: OrderedDict[int, int] = OrderedDict()  # handles of shards, the latest last
        self._lock = threading.Lock()
        if self._remote:
            self._check_room()

    def __reduce__(self) -> tuple[type["Storage"], tuple[str, str]]:
        """Another process opens it anew."""
        return Storage, (self.place, self.cache)

    def __len__(self) -> int:
        """Number of samples."""
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: int) -> list[bytes]:
        """Read one sample.

        Raises:
            DataError: its shard is missing, damaged, or cannot be downloaded.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"index {index} is out of range for {len(self)} samples")
        shard = bisect_right(self._ends, index)
        place = index - (self._ends[shard - 1] if shard else 0)
        with self._lock:  # so that no thread closes what another reads
            file = self._opened(shard)
            # litdata's layout: the number of samples, where each begins and the last one ends, the samples
            first, last = struct.unpack("<II", self._bytes_of(file, shard, 4 * (1 + place), 8))
            data = self._bytes_of(file, shard, first, last - first)
        return self._loader.load_item_from_bytes(data, shard)

    def _bytes_of(self, file: int, shard: int, start: int, length: int) -> bytes:
        data = os.pread(file, max(0, length), start)
        if len(data) != length:
            raise self._damaged(shard, "it ends early")
        return data

    def _opened(self, shard: int) -> int:
        """A handle of a shard that is there as a whole."""
        if shard in self._files:
            self._files.move_to_end(shard)
            return self._files[shard]
        path = self.folder / self._names[shard]
        if self._remote and not path.exists():
            self._download(shard, path)
        try:
            file = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            raise self._damaged(shard, "it is missing") from None
        size = os.fstat(file).st_size
        if size != self._bytes[shard]:
            os.close(file)
            raise self._damaged(shard, f"it has {size} bytes of {self._bytes[shard]}")
        self._files[shard] = file
        if len(self._files) > OPEN:
            os.close(self._files.popitem(last=False)[1])
        return file

    def _damaged(self, shard: int, why: str) -> DataError:
        path = self.folder / self._names[shard]
        way_out = "remove it from the cache, and look at its source" if self._remote else "copy it again"
        return DataError(f"{path}: a damaged shard, {why}: {way_out}, or make the shards anew (tools/make_shards.py, "
                         "overwrite=true)")

    def _download(self, shard: int, path: Path) -> None:
        """Have litdata bring a shard into the cache; one process of a machine does, the others wait for it."""
        if self._process != os.getpid():  # connections do not outlive a fork
            self._shards, self._process = self._load(), os.getpid()
        end = time.monotonic() + PATIENCE
        while not path.exists():
            try:
                self._shards.download_chunk_from_index(shard, skip_lock=True)
            except Exception as error:
                raise DataError(f"{below(self.place, path.name)}: the shard cannot be downloaded "
                                f"({type(error).__name__}: {error})") from error
            if not path.exists():
                time.sleep(0.1)
            if time.monotonic() > end:
                raise DataError(f"{below(self.place, path.name)}: the shard is not there after {PATIENCE:.0f} seconds: "
                                f"another process that downloads it into {self.folder} hangs; remove "
                                f"{path.name}.lock there")

    def _check_room(self) -> None:
        """See that all shards fit into the cache: in random order each of them is wanted all the time."""
        wanted = sum(size for name, size in zip(self._names, self._bytes, strict=True)
                     if not (self.folder / name).exists())
        free = disk_usage(self.folder).free
        if wanted > free:
            raise DataError(f"{self.folder}: {wanted / 1e9:.1f} GB of shards are still to come from {self.place}, and "
                            f"{free / 1e9:.1f} GB are free: shards_cache=DIR names a larger disk of this machine")
