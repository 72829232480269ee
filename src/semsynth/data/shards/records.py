"""One sample as it lies in a shard: the file of its image as it is, its maps as they were read."""

import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from semsynth.data.source import Pair, Source


@dataclass(frozen=True)
class StoredPair(Pair):
    """The files of a sample by their names, and what was in them."""

    picture: bytes = b""
    label_map: bytes = b""
    instance_map: bytes = b""


def encode(pair: Pair, source: Source) -> list[bytes]:
    """Read the files of a sample.

    Raises:
        DataError: a file is broken.
    """
    instances = source.instances_of(pair)
    return [*(_text(name) for name in (pair.name, *file_names(pair, source.root))), pair.image.read_bytes(),
            _packed(source.labels_of(pair)), b"" if instances is None else _packed(instances)]


def decode(record: Sequence[bytes], instances: bool) -> StoredPair:
    """A sample as it was encoded, with its instance map where that is wished."""
    name, image, labels, picture, label_map, instance_map = record
    shown = Path(_name(labels))
    return StoredPair(_name(name), Path(_name(image)), shown, shown if instances else None, picture, label_map,
                      instance_map)


def file_names(pair: Pair, root: Path) -> tuple[str, str]:
    """The files of image and labels, below the folder of the data set where they are."""
    return tuple(str(path.relative_to(root) if path.is_relative_to(root) else path)  # type: ignore[return-value]
                 for path in (pair.image, pair.labels))


def unpacked(data: bytes) -> np.ndarray:
    """A map (H,W) as it was read from its file; zlib sums up its content.

    Raises:
        zlib.error: it is damaged.
    """
    array: np.ndarray = np.load(io.BytesIO(zlib.decompress(data)), allow_pickle=False)
    return array


def _packed(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(values), allow_pickle=False)
    return zlib.compress(buffer.getvalue(), 6)


def _text(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _name(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
