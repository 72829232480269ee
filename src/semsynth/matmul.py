"""How exactly products of float32 matrices are computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

CHOICES = ("auto", "highest", "high", "medium")


def chosen(matmul: str, device: str) -> str:
    """What `auto` stands for on a type of device: `high` (TF32, as cuDNN convolves) on CUDA, `highest` elsewhere.

    Raises:
        ValueError: another choice.
    """
    if matmul not in CHOICES:
        raise ValueError(f"matmul={matmul}: take one of {', '.join(CHOICES)}")
    if matmul != "auto":
        return matmul
    return "high" if device == "cuda" else "highest"


@contextmanager
def matmul_precision(precision: str) -> Iterator[None]:
    """Take this precision (see `torch.set_float32_matmul_precision`), and afterwards the one that held before."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
