"""Packing the files of a split into shards."""

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semsynth.data.check import PIECE, inspect_sample
from semsynth.data.errors import many_faults
from semsynth.data.paired import PairedDataset
from semsynth.data.shards.about import ANEW, about, check_fresh, taken
from semsynth.data.shards.records import encode
from semsynth.data.shards.storage import INDEX, WAY_OUT, Storage
from semsynth.data.source import Listing
from semsynth.errors import DataError
from semsynth.sharing import batches
from semsynth.threads import share
from semsynth.weights.files import refused, write_text

SHARD = re.compile(r"chunk-\d+-\d+(\.\w+)?\.bin|(\d+-)?index\.json(\.\w+\.partial)?")  # files of litdata and ours


@dataclass(frozen=True)
class Made:
    """What there is: counts, and whether it was made now."""

    samples: int
    shards: int
    bytes: int
    new: bool


def make_shards(dataset: PairedDataset, folder: Path, facts: Mapping[str, Any], settings: Mapping[str, Any],
                megabytes: int = 64, overwrite: bool = False,
                progress: Callable[[Iterable[Any]], Iterable[Any]] = iter) -> Made:
    """Pack a split, one that is not strict, into `folder`: whole, or not at all.

    Args:
        dataset: The split; its files are read and checked, as `tools/check_data.py` does.
        folder: Where the shards shall be; what is there stays where it is of these files.
        facts: See `About`.
        settings: See `About`.
        megabytes: Of a shard.
        overwrite: Whether what is there is made anew.
        progress: Wraps the iteration over samples, to show a progress bar.

    Raises:
        DataError: litdata is not installed; all that is wrong with the files; or what is there is of others, or no
            shards.
        WritingError: the shards cannot be written.
    """
    source, listing = dataset.source, Listing(dataset.pairs, dataset.faults)
    if not listing.pairs and not listing.faults:
        raise DataError(dataset.emptiness)
    if (folder / INDEX).is_file() and not overwrite:
        storage = Storage(str(folder), folder)
        found = about(storage)
        if (found.facts, found.settings) != (facts, settings):
            raise DataError(f"{folder}: holds shards of other classes or settings: {ANEW}")
        check_fresh(found, source, dataset.instances, str(folder.parent))
        return Made(len(storage), len(storage.index["chunks"]), _bytes(storage.index), False)
    _check_place(folder)
    try:
        from litdata.streaming.writer import BinaryWriter
    except ImportError as error:
        raise DataError(f"shards are written by litdata: {WAY_OUT} ({error})") from error
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        said = taken(facts, settings, source, listing)
        writer = BinaryWriter(str(partial), chunk_bytes=megabytes * 10**6)
        faults = list(dataset.faults)
        for index, (found_faults, record) in enumerate(progress(_records(dataset))):
            faults += found_faults
            if not faults and record is not None:
                writer.add_item(index, record)
        if faults:
            raise many_faults(faults)
        writer.done()
        writer._merge_no_wait()  # not `merge`, which waits for other processes of a job
        write_text(partial / INDEX, said.write(partial))
        _check_place(folder)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(partial, folder)
    except OSError as error:
        refused(folder, error)
        raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    storage = Storage(str(folder), folder)
    return Made(len(storage), len(storage.index["chunks"]), _bytes(storage.index), True)


def _check_place(folder: Path) -> None:
    """See that nothing but shards is where shards shall be, for that is removed.

    Raises:
        DataError: other files are.
    """
    if folder.is_dir():
        for path in folder.iterdir():
            if path.is_symlink() or not path.is_file() or not SHARD.fullmatch(path.name):
                raise DataError(f"{folder}: holds {path.name}, which is none of shards, and would be removed: "
                                "output=DIR names another folder, a new one or one of shards alone")


def _records(dataset: PairedDataset) -> Iterator[tuple[list[str], list[bytes] | None]]:
    """The faults of each sample, and what is stored of it where it has none, in order, read on several threads."""
    def read(index: int) -> tuple[list[str], list[bytes] | None]:
        faults = inspect_sample(dataset, index).faults
        return faults, None if faults else encode(dataset.pairs[index], dataset.source)

    with ThreadPoolExecutor(share(1)) as pool:
        for piece in batches(len(dataset), PIECE):
            yield from pool.map(read, piece)


def _bytes(index: Mapping[str, Any]) -> int:
    return sum(chunk["chunk_bytes"] for chunk in index["chunks"])
