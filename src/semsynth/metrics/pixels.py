"""Images as numbers: eight bits, finite values, label maps at a size."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from semsynth.data.resize import resize_nearest
from semsynth.errors import EvaluationError
from semsynth.metrics.protocol import LabelResize, RealResize

FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def eight_bits(images: Tensor) -> Tensor:
    """Images in [-1,1] -> the same, rounded to the 256 values that a file holds, float32."""
    return ((images.float() + 1) * 127.5).round().clamp(0, 255) / 127.5 - 1


def check_finite(images: Tensor, names: Sequence[str], where: str) -> None:
    """Compare images (N,3,H,W) with NaN and infinity.

    Raises:
        EvaluationError: names the first sample that holds one.
    """
    bad = (~images.isfinite()).flatten(1).any(1).nonzero().flatten().tolist()
    if bad:
        raise EvaluationError(f"{where}: the image for {names[bad[0]]} holds NaN or infinite values"
                              + (f", and {len(bad) - 1} more of its batch do" if len(bad) > 1 else "")
                              + ". Take an earlier checkpoint (checkpoint=best) or other weights (weights=raw)")


def image_tensor(image: Image.Image, size: Sequence[int] | None, resize: RealResize) -> Tensor:
    """An RGB image -> (3,H,W) float32 in [-1,1], resized to `size` (H,W) unless that is None or `resize` is native.

    See `Protocol.real_resize`; with `interpolate` the values are not rounded to eight bits.
    """
    wanted = None if size is None or resize == "native" else (int(size[1]), int(size[0]))
    if wanted is None or image.size == wanted:
        return _tensor(image)
    if resize == "interpolate":
        return F.interpolate(_tensor(image)[None], wanted[::-1], mode="bilinear", align_corners=False)[0]
    return _tensor(image.resize(wanted, FILTERS[resize]))


def _tensor(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 127.5 - 1


def labels_at(labels: np.ndarray, size: tuple[int, int] | None, resize: LabelResize) -> Tensor:
    """A label map (H,W) -> int64 at `size` (h,w), None: as it is.

    `bilinear` resizes the one-hot maps with antialiasing and takes the largest; of equal ones the lower class.
    """
    if size is None or labels.shape == size:
        return torch.from_numpy(np.array(labels)).long()
    if resize == "nearest":
        return torch.from_numpy(resize_nearest(labels, size)).long()
    present, compact = np.unique(labels, return_inverse=True)
    one_hot = F.one_hot(torch.from_numpy(compact.reshape(labels.shape)).long(), len(present)).permute(2, 0, 1)[None]
    shares = F.interpolate(one_hot.float(), size, mode="bilinear", align_corners=False, antialias=True)
    return torch.from_numpy(present).long()[shares[0].argmax(0)]


def resized(images: Tensor, size: Sequence[int] | None) -> Tensor:
    """Images (N,3,H,W) at `size` (h,w), bilinear with antialiasing; None: as they are."""
    if size is None or tuple(images.shape[-2:]) == tuple(size):
        return images
    height, width = size
    return F.interpolate(images, (height, width), mode="bilinear", align_corners=False, antialias=True)


def common_size(images: Tensor) -> tuple[int, int]:
    """(H,W) of a batch."""
    return cast(tuple[int, int], tuple(images.shape[-2:]))
