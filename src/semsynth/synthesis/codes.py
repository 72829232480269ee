"""Codes of styles in one file: NumPy's archive, read without running what it holds."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from semsynth.errors import DataError, StyleError
from semsynth.semantics.regions import Regions
from semsynth.style import Style
from semsynth.synthesis.references import Reference
from semsynth.weights.files import write_with

SUFFIX = ".npz"
CODES = ("vector", "classes", "instances", "noise")
OF_REGIONS = ("region_classes", "region_sizes")
LARGEST = 2**30  # bytes of all arrays, unpacked


def save_codes(path: str | Path, reference: Reference, names: Sequence[str]) -> Path:
    """Write the codes of a style: `vector`, `classes`, `instances` as it has them, in float32.

    Beside them `class_names`, and where the pictures are known `region_classes` and `region_sizes` (N,I), the class and
    the pixels of each instance. Noise is drawn anew from the seed; it is kept where a style has nothing else.

    Raises:
        StyleError: the file's name does not end in .npz.
        WritingError: it cannot be written.
    """
    path = Path(path).expanduser()
    if path.suffix != SUFFIX:
        raise StyleError(f"{path}: codes are saved in a file NAME{SUFFIX}")
    codes = reference.style.codes()
    kept = {name: code for name, code in codes.items() if name != "noise" or len(codes) == 1}
    arrays: dict[str, Any] = {name: code.detach().float().cpu().numpy() for name, code in kept.items()}
    if reference.regions is not None:
        of_each = (reference.regions.classes, reference.regions.sizes)
        arrays |= {name: values.cpu().numpy() for name, values in zip(OF_REGIONS, of_each, strict=True)}
    arrays["class_names"] = np.array(list(names), dtype=np.str_)
    return write_with(path, lambda file: np.savez_compressed(file, **arrays))


def load_codes(path: str | Path, names: Sequence[str]) -> Reference:
    """Read what `save_codes` has written, for a run with classes of these names.

    Raises:
        DataError: no such file, or one that holds something else.
        StyleError: codes of other classes.
    """
    path = Path(path).expanduser()
    arrays = _read(path)
    saved = [str(name) for name in _array(arrays, "class_names", path, "U", 1)]
    if saved != list(names):
        other = [name for name in saved if name not in names] or saved
        raise StyleError(f"{path} holds codes of other classes ({', '.join(other[:5])}...; this run has "
                         f"{', '.join(list(names)[:5])}...): make codes with this run")
    codes = {name: torch.from_numpy(_array(arrays, name, path, "f", {"vector": 2, "noise": 4}.get(name, 3))).float()
             for name in CODES if name in arrays}
    for name, code in codes.items():
        if not code.numel() or not code.isfinite().all():
            raise DataError(f"{path}: {name} holds {'no numbers' if not code.numel() else 'NaN or infinite numbers'}: "
                            "make the file again")
    regions = None
    if OF_REGIONS[0] in arrays:
        classes, sizes = (torch.from_numpy(_array(arrays, name, path, "iu", 2).astype(np.int64)) for name in OF_REGIONS)
        regions = Regions(torch.empty(len(classes), 0, 0, dtype=torch.int64), classes, sizes)
        own = codes.get("instances")
        if classes.shape != sizes.shape or (own is not None and own.shape[:2] != classes.shape) or not classes.numel() \
                or int(classes.max()) >= len(names) or int(sizes.min()) < 0:
            raise DataError(f"{path}: {' and '.join(OF_REGIONS)} do not belong to the codes: make the file again")
    try:
        return Reference(Style(**codes), regions, str(path))  # type: ignore[arg-type]
    except ValueError as error:
        raise DataError(f"{path}: {error}") from None


def _read(path: Path) -> Mapping[str, np.ndarray]:
    """The arrays of a file that this package has written, no others."""
    known = {*CODES, *OF_REGIONS, "class_names"}
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename.removesuffix(".npy"): entry.file_size for entry in archive.infolist()}
        if strange := sorted(entries.keys() - known):
            raise DataError(f"{path} holds {', '.join(strange[:5])}: it is no file of codes, which are written with "
                            "save_codes=")
        if sum(entries.values()) > LARGEST:
            raise DataError(f"{path} holds more than {LARGEST >> 20} MiB: it is no file of codes")
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in entries}
    except FileNotFoundError:
        raise DataError(f"{path}: no such file. Codes are written with save_codes=") from None
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, KeyError, RuntimeError, MemoryError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} cannot be read as a file of codes ({str(error) or repr(error):.150}): make it again "
                        "with save_codes=") from error


def _array(arrays: Mapping[str, np.ndarray], name: str, path: Path, kinds: str, dimensions: int) -> np.ndarray:
    found = arrays.get(name)
    if found is None:
        raise DataError(f"{path} holds no {name}: it is no file of codes, which are written with save_codes=")
    if found.dtype.kind not in kinds or found.ndim != dimensions:
        raise DataError(f"{path}: {name} is {found.dtype} of {found.ndim} dimensions, not {dimensions}: make the file "
                        "again")
    return found
