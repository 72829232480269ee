"""What shards say of the data set that they were made of, and whether that is still so."""

import hashlib
import json
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from semsynth.data.shards.records import file_names
from semsynth.data.shards.storage import INDEX, MADE_BY, Storage
from semsynth.data.source import Listing, Source
from semsynth.data.spread import spread_order
from semsynth.errors import DataError

KEY = "semsynth"  # of ours in the index
LOOKED_AT = 16  # samples, spread over the data set, whose files are compared
BESIDE = ("classes.yaml",)  # what says how masks are read
ANEW = "make them anew, with tools/make_shards.py and overwrite=true"


@dataclass(frozen=True)
class About:
    """What stands in the index beside litdata's own.

    Attributes:
        facts: Of the node `dataset`: name, classes and what else tells how label maps are read.
        settings: Of the node of the source: which of the files were taken.
        made: Seconds since 1970, when the files were listed.
        names: SHA-256 of the names of all samples, in order.
        files: Of some: name, bytes, CRC-32.
    """

    facts: dict[str, Any]
    settings: dict[str, Any]
    made: float
    names: str
    files: list[tuple[str, int, int]]

    def write(self, folder: Path) -> str:
        """The text of an index that says this, too."""
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        return json.dumps({**index, KEY: asdict(self)}, sort_keys=True)


def about(storage: Storage) -> About:
    """What stands in the index of shards.

    Raises:
        DataError: nothing of this program.
    """
    found = storage.index.get(KEY)
    if not isinstance(found, Mapping) or {*found} != {field.name for field in fields(About)}:
        raise DataError(f"{storage.place}: {INDEX} does not say what these shards are of: their making was stopped, or "
                        f"they are of another program or version of it. {MADE_BY}; overwrite=true where some are")
    return About(**found)


def taken(facts: Mapping[str, Any], settings: Mapping[str, Any], source: Source, listing: Listing) -> About:
    """What shards of these files are to say."""
    looked_at = [listing.pairs[index] for index in spread_order(len(listing.pairs))[:LOOKED_AT]]
    names = [name for pair in looked_at for name in file_names(pair, source.root)]
    files = []
    for name in [*names, *(name for name in BESIDE if (source.root / name).is_file())]:
        data = (source.root / name).read_bytes()
        files.append((name, len(data), zlib.crc32(data)))
    return About(dict(facts), dict(settings), time.time(), _sum(pair.name for pair in listing.pairs), files)


def check_fresh(found: About, source: Source, instances: bool, place: str) -> None:
    """Compare shards with the files that they were made of, where these are at hand: some of them, and if files came
    or went since, the names of all.

    Raises:
        DataError: the files have changed.
    """
    if not source.root.is_dir():
        return
    stale = DataError(f"shards={place} are older than {source.root}")
    for name, size, crc in found.files:
        path = source.root / name
        if not path.is_file():
            raise DataError(f"shards={place} are not of these files: {path}, of which they were made, is missing: "
                            f"{ANEW}, or set dataset.root to where their files are (or none)")
        status = path.stat()
        if status.st_size != size or (status.st_mtime > found.made and zlib.crc32(path.read_bytes()) != crc):
            raise DataError(f"{stale}: {path} is another file since: {ANEW}")
    folders = {(source.root / name).parent for name, _, _ in found.files}
    if any(folder.stat().st_mtime > found.made for folder in folders):  # or the files were copied since
        listing = source.find(instances)
        if _sum(pair.name for pair in listing.pairs) != found.names:
            raise DataError(f"{stale}: there are {len(listing.pairs)} samples now, with other names: {ANEW}")


def _sum(names: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()
