"""What a file of PyTorch claims to hold, looked at before torch reads it, which believes sizes and no checksums."""

import mmap
import os
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from semsynth.weights.torch_pickle import storages_in

HEADERS = 3  # pickles before the objects in a file of PyTorch before 1.6: a magic number, the protocol, the machine
BEGIN = b"PK\3\4"  # of an archive
CHUNK = 2**20


def refuse_claims(path: Path) -> None:
    """Check that a file's tensors are as large as the file has bytes for, and that they are as they were written.

    Each entry of a zip archive has a checksum. Files of PyTorch before 1.6 are no archives and have none.

    Raises:
        ValueError: they are not; says what is wrong.
        pickle.UnpicklingError: it names something else than tensors and plain values.
        Exception: whatever Python's readers of archives and pickles raise on something else.
    """
    with path.open("rb") as file:
        is_archive = file.read(4) == BEGIN  # by which torch tells them apart
    if is_archive:
        _check_archive(path)
        return
    with _mapped(path) as file:
        for _ in range(HEADERS):
            storages_in(file, len(file))
        claimed = sum(storages_in(file, len(file)).values())
    if claimed > path.stat().st_size:
        raise ValueError(f"it claims {claimed} bytes of numbers in a file of {path.stat().st_size}")


def _check_archive(path: Path) -> None:
    _check_end(path)
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
            raise ValueError("it holds compressed entries, which torch.save never writes")
        roots = {name.partition("/")[0] for name in entries}
        # torch takes the first root, in which it looks for names whatever their case, and knows no others for a name
        if len(roots) != 1 or any(entry.orig_filename != name for name, entry in entries.items()):
            raise ValueError("it is no archive of one folder, as torch.save writes it")
        claimed = sum(entry.file_size for entry in entries.values())
        if len({name.lower() for name in entries}) < len(archive.infolist()) or claimed > path.stat().st_size:
            raise ValueError("its entries overlap, which torch.save never writes")
        for entry in entries.values():
            with archive.open(entry) as file:  # raises BadZipFile where the checksum is another
                while file.read(CHUNK):
                    pass
        described = f"{roots.pop()}/data.pkl"
        if described not in entries:
            raise ValueError("it is an archive without data.pkl")
        objects = archive.read(described)
        for key, size in storages_in(BytesIO(objects), len(objects)).items():
            there = entries.get(f"{described.removesuffix('data.pkl')}data/{key}")
            if there is not None and there.file_size != size:  # torch would read beyond its end
                raise ValueError(f"it claims {size} bytes in {there.filename}, which has {there.file_size}")


def _check_end(path: Path) -> None:
    """Check that the directory of an archive lies where it says, at the end: else two readers find different ones."""
    with path.open("rb") as file:
        end = file.seek(-22, os.SEEK_END)
        magic, size, place, comment = struct.unpack("<4s8xIIH", file.read(22))
        if end >= 76:
            file.seek(end - 76)  # the same for archives of any size, and where that lies
            *_, large_size, large_place, locator, there = struct.unpack("<40xQQ4s4xQ4x", file.read(76))
            if locator == b"PK\6\7":
                end, size, place = there if there == end - 76 else -1, large_size, large_place
    if magic != b"PK\5\6" or comment or size + place != end:
        raise ValueError("it is cut off, or more stands behind it")


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    """A file whose bytes are read where they lie: a length that a pickle names makes no room for itself."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        yield mapped
