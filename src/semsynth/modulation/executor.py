"""Which of two executors runs the formulas: Triton kernels, or torch's own calls, which are their reference."""

from __future__ import annotations

from importlib.util import find_spec

import torch
from torch import Tensor, nn

DEVICES = {"cuda"}  # types of devices for which Triton compiles kernels
FEATURES = {torch.float32, torch.bfloat16, torch.float16}
_HAS_TRITON = find_spec("triton") is not None  # imported where kernels run only


def runs_kernels(x: Tensor, table: Tensor | None = None) -> bool:
    """Whether Triton kernels read x, with a table where there is one: on CUDA, in float32 or less, sums in float32.

    Everything else takes torch's calls: the CPU, float64, tensors without values (`meta`, fake ones).
    """
    return (x.device.type in DEVICES and x.dtype in FEATURES and (table is None or table.dtype in FEATURES)
            and is_real(x) and _HAS_TRITON)


def is_real(x: Tensor) -> bool:
    """Whether x is torch's own class and has values, which tensors on `meta` and fake ones have not."""
    return type(x) in (Tensor, nn.Parameter) and not x.is_meta
