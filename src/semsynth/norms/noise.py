"""Noise beside a label map: a code for each picture, for each of its classes, or a map, read at any size."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from semsynth.semantics import Semantics
from semsynth.semantics.regions import by_region


def codes_by_class(style: Any, length: int) -> Tensor | None:
    """Codes (N,K,Z) by class, or (N,1,Z) that all classes of a picture share; None where the noise is a map.

    Args:
        style: A `semsynth.style.Style`.
        length: Z.

    Raises:
        ValueError: the style has no such codes.
    """
    code: Tensor
    for name, shown in (("noise", "(N,{},H,W)"), ("classes", "(N,K,{})"), ("vector", "(N,{})")):
        if (found := getattr(style, name)) is None:
            continue
        code = found
        if code.shape[1 if name == "noise" else -1] != length:
            raise ValueError(f"this network reads noise of {length} numbers: give {name}={shown.format(length)}, got "
                             f"{tuple(code.shape)}")
        return None if name == "noise" else code if name == "classes" else code[:, None]
    raise ValueError(f"this network reads noise: give a style with vector=(N,{length}), classes=(N,K,{length}) or "
                     f"noise=(N,{length},H,W)")


def noise_map(style: Any, view: Semantics, length: int) -> Tensor:
    """The noise (N,Z,h,w) at every pixel of a view; a map of another size is resized (nearest).

    >>> from semsynth.style import Style
    >>> view = Semantics(torch.tensor([[[0, 1]]]), 2)
    >>> noise_map(Style(classes=torch.tensor([[[3.0], [5.0]]])), view, 1).tolist()
    [[[[3.0, 5.0]]]]
    """
    codes = codes_by_class(style, length)
    if codes is not None:
        return spread(codes, view)
    noise: Tensor = style.noise
    return noise if noise.shape[-2:] == view.size else F.interpolate(noise, view.size, mode="nearest")


def spread(codes: Tensor, view: Semantics) -> Tensor:
    """Codes (N,K,Z) by class, or (N,1,Z) of whole pictures, at every pixel of a view: (N,Z,h,w)."""
    if codes.shape[1] == 1:
        return codes[:, 0, :, None, None].expand(-1, -1, *view.size)
    if view.probabilities is not None:
        return torch.einsum("nkhw,nkz->nzhw", view.probabilities.to(codes.dtype), codes)
    return by_region(codes, view.labels)
