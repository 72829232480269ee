"""How images come to a segmenter, and how its answers at several scales become one."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

Range = Literal["unit", "byte"]
Filter = Literal["nearest", "bilinear", "bicubic"]
Merge = Literal["max", "mean_softmax"]


@dataclass(frozen=True)
class Preprocessing:
    """From images in [-1,1] to what a published segmenter was trained on.

    Args:
        mean: Subtracted from the three channels, in their range and in the order that the network sees.
        std: Divides them afterwards.
        range: Of the channels before that: `unit` is [0,1], `byte` is [0,255].
        bgr: Whether the network sees blue, green, red.
        input_size: Size that images are brought to: null leaves them as they are, a number is the shorter side (the
            aspect is kept), [H,W] is the size itself.
        longest: Longest side where `input_size` is a number: the shorter side gives way. null: any.
        multiple: Sides are rounded up to multiples of this.
        filter: Of that resize.
        antialias: Whether the resize averages over all pixels that it leaves out (as PIL does).
        scales: Factors of the size at which the network sees each image.
        merge: How the scales become one. `max`: the larger logit, at the first scale's resolution (DeepLabV2);
            `mean_softmax`: the mean of the probabilities, at the label's size (UPerNet).

    Raises:
        ValueError: a value out of range.
    """

    mean: Sequence[float] = (0.5, 0.5, 0.5)
    std: Sequence[float] = (0.5, 0.5, 0.5)
    range: Range = "unit"
    bgr: bool = False
    input_size: int | Sequence[int] | None = None
    longest: int | None = None
    multiple: int = 1
    filter: Filter = "bilinear"
    antialias: bool = True
    scales: Sequence[float] = (1.0,)
    merge: Merge = "mean_softmax"

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            if len(getattr(self, name)) != 3:
                raise ValueError(f"{name} needs three numbers, got {getattr(self, name)}")
        if min(self.std) <= 0:
            raise ValueError(f"std must be positive, got {self.std}")
        for name, choices in (("range", Range), ("filter", Filter), ("merge", Merge)):
            if getattr(self, name) not in get_args(choices):
                raise ValueError(f"{name} must be one of {', '.join(get_args(choices))}, got {getattr(self, name)!r}")
        size = self.input_size
        sides = [] if size is None else [size] if isinstance(size, int) else list(size)
        if len(sides) > 2 or not all(isinstance(side, int) and side >= 1 for side in sides):
            raise ValueError(f"input_size must be null, the shorter side or [H,W] in pixels, got {size}")
        if self.longest is not None and self.longest < 1:
            raise ValueError(f"longest must be null or >= 1, got {self.longest}")
        if self.multiple < 1:
            raise ValueError(f"multiple must be >= 1, got {self.multiple}")
        if not self.scales or min(self.scales) <= 0:
            raise ValueError(f"scales must be one or more positive factors, got {self.scales}")

    def size_at(self, height: int, width: int, scale: float) -> tuple[int, int]:
        """(height, width) at which the network sees an image of that size at one of the scales."""
        base = self.input_size
        if base is None:
            wanted = height * scale, width * scale
        elif isinstance(base, int):
            factor = base * scale / min(height, width)
            if self.longest is not None:
                factor = min(factor, self.longest / max(height, width))
            wanted = height * factor, width * factor
        else:
            wanted = base[0] * scale, base[1] * scale
        # Cut as the published codes cut, but not for want of the last digit.
        sides = [max(1, int(side + 1e-6)) for side in wanted]
        return -(-sides[0] // self.multiple) * self.multiple, -(-sides[1] // self.multiple) * self.multiple

    def __call__(self, images: Tensor, scale: float = 1.0) -> Tensor:
        """Images (N,3,H,W) in [-1,1] -> (N,3,h,w) float32 as the network sees them at a scale."""
        x = images.float()
        size = self.size_at(x.shape[-2], x.shape[-1], scale)
        if size != tuple(x.shape[-2:]):
            smooth = self.filter != "nearest"
            x = F.interpolate(x, size, mode=self.filter, align_corners=False if smooth else None,
                              antialias=smooth and self.antialias)
        x = (x + 1) * (0.5 if self.range == "unit" else 127.5)
        if self.bgr:
            x = x.flip(1)
        mean, std = (torch.tensor(list(v), device=x.device).view(1, 3, 1, 1) for v in (self.mean, self.std))
        return (x - mean) / std

    def merged(self, answers: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Logits (N,K,h,w) of every scale -> (N,K,H,W) at `size`; log-probabilities where probabilities are averaged.

        A single scale keeps its logits.
        """
        if len(answers) == 1:
            return _resized(answers[0], size)
        if self.merge == "max":
            first = (answers[0].shape[-2], answers[0].shape[-1])
            return _resized(torch.stack([_resized(a, first) for a in answers]).amax(0), size)
        return torch.stack([_resized(a, size).softmax(1) for a in answers]).mean(0).clamp_min(1e-30).log()

    def as_dict(self) -> dict[str, Any]:
        """All values as plain numbers, words and lists."""
        return {f.name: list(v) if isinstance(v := getattr(self, f.name), Sequence) and not isinstance(v, str) else v
                for f in dataclasses.fields(self)}


def _resized(logits: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(logits.shape[-2:]) == tuple(size):
        return logits
    return F.interpolate(logits, tuple(size), mode="bilinear", align_corners=False)
