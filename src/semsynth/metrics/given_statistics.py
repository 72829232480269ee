"""Statistics of real images that others measured: the mean and the covariance of Inception's features."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from semsynth.errors import EvaluationError
from semsynth.metrics.features import INCEPTION_FEATURES
from semsynth.metrics.frechet import Moments
from semsynth.metrics.statistics import FeatureSet
from semsynth.weights.tensor_files import sha256_of

SPLITS = ("train", "val")
MOMENTS = ("mu", "sigma")
LARGEST = 2**26  # bytes of an array; a covariance in float64 has half of that
TOLERANCE = 1e-5  # of the largest entry or eigenvalue: files may hold float32
NO_VECTORS = "real_statistics hold the mean and the covariance of the features, not the features themselves"


@dataclass(frozen=True)
class GivenStatistics:
    """What stands in for the real images of a split where FID is taken.

    >>> moments = Moments.of(np.zeros(2), np.eye(2))  # two features stand for 2048
    >>> given = GivenStatistics("val", moments, files=("real.npz",), sha256="0a1b")
    >>> given.features().moments.distance(moments), given.description()["split"]
    (0.0, 'val')

    Args:
        split: Which real images these are of, `train` or `val`; names the score.
        moments: Of Inception's 2048 features.
        files: Names of the files.
        sha256: Of each of them, joined by +.
    """

    split: str
    moments: Moments
    files: tuple[str, ...]
    sha256: str

    def features(self) -> FeatureSet:
        """The set that an evaluator compares with: moments alone."""
        found = FeatureSet(0)
        found.moments = self.moments
        return found

    def description(self) -> dict[str, object]:
        """In plain values."""
        return {"split": self.split, "files": list(self.files), "sha256": self.sha256}


def read_statistics(given: Sequence[str], split: str) -> GivenStatistics:
    """Read statistics as pytorch-fid and the authors of CLADE keep them.

    Args:
        given: One `.npz` file with the arrays `mu` and `sigma`, or two `.npy` files, mu and sigma.
        split: `train` or `val`.

    Raises:
        EvaluationError: a file is missing or broken, or holds no mean and covariance of 2048 features; names it.
    """
    if split not in SPLITS:
        raise EvaluationError(f"real_statistics_of={split} must be {' or '.join(SPLITS)}")
    paths = [Path(name).expanduser() for name in given]
    where = ", ".join(map(str, paths))
    if [path.suffix for path in paths] not in ([".npz"], [".npy", ".npy"]):
        raise EvaluationError(f"real_statistics={where}: give FILE.npz, or [MU.npy,SIGMA.npy]")
    loaded = [array for path in paths for array in _load(path)]
    mean, covariance = (_numbers(array, where) for array in loaded)
    _check(mean, covariance, where)
    return GivenStatistics(split, Moments.of(mean, (covariance + covariance.T) / 2), tuple(p.name for p in paths),
                           "+".join(map(sha256_of, paths)))


def _load(path: Path) -> list[np.ndarray]:
    """The array of a .npy file, or `mu` and `sigma` of a .npz file; of what else it holds nothing is read."""
    if not path.is_file():
        raise EvaluationError(f"real_statistics={path}: there is no such file")
    try:
        if path.suffix == ".npy":
            return [_array(path.open("rb"), path.stat().st_size)]
        with zipfile.ZipFile(path) as archive:
            held = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            for key in MOMENTS:
                if key not in held:
                    raise EvaluationError(f"{path} holds no {key}, but {', '.join(held)[:300] or 'nothing'}: it must "
                                          "hold mu and sigma")
            return [_array(archive.open(held[key]), held[key].file_size) for key in MOMENTS]
    except EvaluationError:
        raise
    except Exception as error:  # whatever zipfile, zlib and NumPy raise on a file that is cut off or changed
        raise EvaluationError(f"{path} cannot be read: it is damaged, cut off or no file of NumPy ({error})") from None


def _array(file: IO[bytes], size: int) -> np.ndarray:
    """The array in a file of `size` bytes, to the end of which is read: there a zip archive's checksum is compared.

    Raises:
        ValueError: it is larger than the moments of Inception's features, or claims more numbers than it has.
    """
    with file:
        content = file.read(min(size, LARGEST) + 1)
    if len(content) > LARGEST:
        raise ValueError(f"it holds more than {LARGEST >> 20} MiB, and moments are smaller")
    stream = BytesIO(content)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, _, dtype = read[np.lib.format.read_magic(stream)](stream)
    if math.prod(shape) * dtype.itemsize > len(content):
        raise ValueError(f"it claims {shape} numbers, and holds fewer")
    return np.lib.format.read_array(BytesIO(content), allow_pickle=False)


def _numbers(array: object, where: str) -> npt.NDArray[np.float64]:
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise EvaluationError(f"{where}: mu and sigma must be arrays of real numbers")
    return array.astype(np.float64)


def _check(mean: npt.NDArray[np.float64], covariance: npt.NDArray[np.float64], where: str) -> None:
    size = INCEPTION_FEATURES
    if mean.shape != (size,) or covariance.shape != (size, size):
        raise EvaluationError(f"{where}: mu must be ({size},) and sigma ({size},{size}), the moments of Inception's "
                              f"pooled features; got {mean.shape} and {covariance.shape}")
    if not np.isfinite(mean).all() or not np.isfinite(covariance).all():
        raise EvaluationError(f"{where} holds NaN or infinite numbers")
    if np.abs(covariance - covariance.T).max() > TOLERANCE * np.abs(covariance).max():
        raise EvaluationError(f"{where}: sigma is not symmetric, as a covariance is")
    values = np.linalg.eigvalsh(covariance)
    if values[0] < -TOLERANCE * max(values[-1], 0.0):
        raise EvaluationError(f"{where}: sigma is no covariance: its smallest eigenvalue is {values[0]:.3g}")
