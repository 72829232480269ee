"""Which of two executors runs the formulas: Triton kernels, or torch's own calls, which are their reference."""

from __future__ import annotations

import os
import warnings
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

DEVICES = {"cuda"}  # types of devices for which Triton compiles kernels
FEATURES = {torch.float32, torch.bfloat16, torch.float16}
SWITCH = "SEMSYNTH_KERNELS"  # the environment's variable that turns kernels off


def runs_kernels(x: Tensor, table: Tensor | None = None) -> bool:
    """Whether Triton kernels read x, with a table where there is one: on CUDA, in float32 or less, sums in float32.

    Everything else takes torch's calls: the CPU, float64, tensors without values (`meta`, fake ones).
    """
    return (x.device.type in DEVICES and x.dtype in FEATURES and (table is None or table.dtype in FEATURES)
            and is_real(x) and _kernels_compile(x.device.type))


@torch.compiler.assume_constant_result
def _kernels_compile(device: str) -> bool:
    return _tried(device)


@cache
def _tried(device: str) -> bool:
    """Whether kernels are wanted and Triton can make them here, tried once; a warning says why not."""
    if os.environ.get(SWITCH, "1") == "0" or find_spec("triton") is None:
        return False
    if device != "cuda":  # an interpreter needs nothing
        return True
    try:
        from triton.runtime import driver

        active: Any = driver.active
        active.get_current_target()  # builds what launches kernels, for which Triton needs a C compiler
    except Exception as error:
        warnings.warn(f"Triton cannot compile kernels here ({error}), so norms take several of torch's own instead of "
                      f"one: install a C compiler, or set {SWITCH}=0 to take those without a word", stacklevel=2)
        return False
    return True


def is_real(x: Tensor) -> bool:
    """Whether x is torch's own class and has values, which tensors on `meta` and fake ones have not."""
    return type(x) in (Tensor, nn.Parameter) and not x.is_meta
