"""The codes of classes that SEAN's authors release beside their network: a file `ACE.npy` in a folder a class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from semsynth.errors import CheckpointError

FILE = "ACE.npy"
MEANS, OF_IMAGES = Path("mean_style_code", "mean"), "style_codes"


def read_mean_codes(folder: Path, num_classes: int, length: int) -> tuple[dict[str, Tensor], str]:
    """The buffers of `semsynth.generators.class_codes`, and in words what they were made of.

    Args:
        folder: The released `styles_test`, or its folder of means, with `CLASS/ACE.npy`. Deviations, and how many
            images hold each class, come from `style_codes/IMAGE/CLASS/ACE.npy`; without these files the deviations are
            0, so that drawn styles are the means.
        num_classes: Of the network.
        length: Of a code.

    Raises:
        CheckpointError: there are no codes, or a file is none of this network.
    """
    means = torch.zeros(num_classes, length)
    known = torch.zeros(num_classes, dtype=torch.int64)
    deviations = torch.ones(num_classes, length)
    found = _by_class(folder / MEANS if (folder / MEANS).is_dir() else folder, num_classes)
    if not found:
        raise CheckpointError(f"codes={folder}: holds neither {MEANS}/CLASS/{FILE} nor CLASS/{FILE}, as in SEAN's "
                              "styles_test")
    for index, path in found.items():
        means[index], known[index], deviations[index] = _code(path, length), 1, 0
    images = sorted(path for path in (folder / OF_IMAGES).glob("*") if path.is_dir())
    squares, counts = torch.zeros(num_classes, length), torch.zeros(num_classes, dtype=torch.int64)
    for image in images:
        for index, path in _by_class(image, num_classes).items():
            squares[index] += (_code(path, length) - means[index]).square()
            counts[index] += 1
    several = (counts > 0) & (known > 0)
    deviations[several] = (squares[several] / counts[several, None]).sqrt()
    known[several] = counts[several]
    spread = f"deviations from {len(images)} images" if images else "no deviations: drawn styles are the means"
    return ({"codes.means": means, "codes.deviations": deviations, "codes.known": known},
            f"codes: means of {len(found)} of {num_classes} classes from {folder}, {spread}")


def _by_class(folder: Path, num_classes: int) -> dict[int, Path]:
    found = {int(path.parent.name): path for path in sorted(folder.glob(f"*/{FILE}")) if path.parent.name.isdecimal()}
    if beyond := [path for index, path in found.items() if index >= num_classes]:
        raise CheckpointError(f"{beyond[0]}: the network has the classes 0 to {num_classes - 1}")
    return found


def _code(path: Path, length: int) -> Tensor:
    try:
        code = np.load(path, mmap_mode="r", allow_pickle=False)  # makes nothing of the size that a header claims
    except (OSError, ValueError, EOFError) as error:
        raise CheckpointError(f"{path}: no array that can be read ({error})") from None
    if not isinstance(code, np.ndarray):
        raise CheckpointError(f"{path}: this is an archive of arrays, not an array")
    if code.dtype.kind != "f" or code.shape != (length,) or not np.isfinite(code).all():
        raise CheckpointError(f"{path}: a code of this network has {length} finite numbers, this is {code.dtype} "
                              f"{code.shape}")
    return torch.from_numpy(code.astype(np.float32))
