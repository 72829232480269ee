"""Statistics of real images on disk, keyed by everything that moves them."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = 1


class StatisticsCache:
    """A folder of .npz files, one for each key; a file that is broken or of another key counts as absent.

    Args:
        folder: None: `$SEMSYNTH_CACHE`, or ~/.cache/semsynth without that variable.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        default = os.environ.get("SEMSYNTH_CACHE") or "~/.cache/semsynth"
        self.folder = Path(folder or default).expanduser()

    def path(self, key: dict[str, Any]) -> Path:
        """The file of a key of plain values."""
        return self.folder / "statistics" / f"{hashlib.sha256(_text(key).encode()).hexdigest()[:32]}.npz"

    def load(self, key: dict[str, Any]) -> dict[str, np.ndarray] | None:
        """The arrays kept under a key, or None."""
        try:
            with np.load(self.path(key), allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None
        return arrays if str(arrays.pop("key", "")) == _text(key) else None

    def save(self, key: dict[str, Any], arrays: dict[str, np.ndarray]) -> Path | None:
        """Keep arrays under a key, complete or not at all; None where the folder cannot be written."""
        path = self.path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # A name of its own, since several runs of a sweep may measure the same images at a time.
            with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".partial", delete=False) as file:
                try:
                    np.savez(file, allow_pickle=False, **{**arrays, "key": np.array(_text(key))})
                    file.close()
                    os.replace(file.name, path)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
        except OSError:
            return None
        return path


def _text(key: dict[str, Any]) -> str:
    return json.dumps({"format": FORMAT, **key}, sort_keys=True, default=str)
