"""Whether a PNG holds all of its pixels: decoders fill up with zeros, without a word, what its stream lacks."""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from semsynth.errors import DataError

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # colour type -> samples for each pixel
ADAM7 = [(0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1)]
NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")  # chunks that pixels are made of
BLOCK = 1 << 20  # bytes inflated at a time
_whole: set[tuple[str, int, int]] = set()  # files that were found whole: path, size, time of the last change


def check_complete(image: Image.Image, path: Path, data: bytes | None = None) -> None:
    """Sum up the data of a PNG, inflate and count its pixels; other formats are left to their decoders.

    A file is looked at once a process; `data`, the content of one that lies elsewhere, each time.

    Raises:
        DataError: there are fewer pixels than the header says, or other ones than were written.
        zlib.error, struct.error: the stream is broken.
    """
    if image.format != "PNG":
        return
    if data is not None:
        _check_data(data, path)
        return
    status = os.stat(path)
    version = (str(path), status.st_size, status.st_mtime_ns)
    if version not in _whole:
        _check_data(Path(path).read_bytes(), path)
        _whole.add(version)


def _check_data(data: bytes, path: Path) -> None:
    wanted, found = _expected(data), _inflated(data)
    if found < wanted:
        raise DataError(f"{path}: damaged: its pixel data end early ({found / wanted:.0%} are there): replace it")
    for kind, part, crc in _chunks(data):
        if kind in NEEDED and zlib.crc32(kind + part) != crc:
            raise DataError(f"{path}: damaged: the sum over its {kind.decode()} data is another: replace it")


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """The name, the content and the sum of each chunk."""
    place = 8  # behind the signature
    while place + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        end = place + 8 + length
        yield kind, data[place + 8 : end], int.from_bytes(data[end : end + 4])
        place += length + 12


def _expected(data: bytes) -> int:
    """Bytes of the inflated stream: a filter byte and the packed samples for each row of each pass."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    passes = ADAM7 if interlaced else [(0, 1, 0, 1)]
    total = 0
    for top, down, left, right in passes:
        rows, columns = max(0, -(-(height - top) // down)), max(0, -(-(width - left) // right))
        total += rows * (1 + (columns * depth * SAMPLES[colour] + 7) // 8) if columns else 0
    return total


def _inflated(data: bytes) -> int:
    stream, count = zlib.decompressobj(), 0
    for kind, part, _ in _chunks(data):
        while kind == b"IDAT" and part and not stream.eof:
            count += len(stream.decompress(part, BLOCK))
            part = stream.unconsumed_tail
    return count + len(stream.flush())
