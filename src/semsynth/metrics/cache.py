"""Statistics of real images on disk, keyed by everything that moves them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from semsynth.weights.files import clear_partial, write_with

FORMAT = 1
STALE = 3600.0  # seconds after which a file that is still not whole has lost its writer


class StatisticsCache:
    """A folder of .npz files, one for each key; a file that is broken or of another key counts as absent.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cache = StatisticsCache(folder)
    ...     path = cache.save({"images": "mine"}, {"mean": np.zeros(3)})
    ...     found, other = cache.load({"images": "mine"}), cache.load({"images": "others"})
    >>> found["mean"].tolist(), other
    ([0.0, 0.0, 0.0], None)

    Args:
        folder: None: `$SEMSYNTH_CACHE`, or ~/.cache/semsynth without that variable.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        default = os.environ.get("SEMSYNTH_CACHE") or "~/.cache/semsynth"
        self.folder = Path(folder or default).expanduser()

    def path(self, key: Mapping[str, object]) -> Path:
        """The file of a key of plain values."""
        return self.folder / "statistics" / f"{hashlib.sha256(_text(key).encode()).hexdigest()[:32]}.npz"

    def load(self, key: Mapping[str, object]) -> dict[str, np.ndarray] | None:
        """The arrays kept under a key, or None."""
        try:
            with np.load(self.path(key), allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except Exception:  # whatever zipfile, zlib and NumPy raise on a file that is cut off or changed
            return None
        return arrays if str(arrays.pop("key", "")) == _text(key) else None

    def save(self, key: Mapping[str, object], arrays: dict[str, np.ndarray]) -> Path | None:
        """Keep arrays under a key, complete or not at all; None where the folder cannot be written."""
        path, content = self.path(key), {**arrays, "key": np.array(_text(key))}
        clear_partial(path.parent, seconds=STALE)
        try:
            return write_with(path, lambda file: np.savez(file, allow_pickle=False, **content))
        except OSError:
            return None


def _text(key: Mapping[str, object]) -> str:
    return json.dumps({"format": FORMAT, **key}, sort_keys=True, default=str)
