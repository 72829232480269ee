"""Formulas as kernels of torch's compiler, made once for label maps and batches of any size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor

KINDS = 64  # of inputs for which something is compiled before it runs as it stands


@contextmanager
def any_sizes() -> Iterator[None]:
    """What is compiled within takes sizes that happen to be equal for different ones: they may differ next time."""
    from torch._dynamo import config as dynamo  # seconds, for those who compile only
    from torch.fx.experimental import _config

    shapes: Any = _config
    with shapes.patch(use_duck_shape=False), dynamo.patch(recompile_limit=KINDS):
        yield


def kernel(formula: Callable[..., Any]) -> Callable[..., Any]:
    """The formula, compiled at its first call for inputs of any size; without gradients.

    Anew for another precision, with and without upsampling, and in inference mode: each once. Where a compiler is at
    work already, the formula itself, for it to make part of its kernels.
    """
    return formula if torch.compiler.is_compiling() else _compiled(formula)


@cache
def _compiled(formula: Callable[..., Any]) -> Callable[..., Any]:
    compiled = torch.compile(formula, dynamic=True)

    def run(*inputs: Any) -> Any:
        with any_sizes():
            return compiled(*(_detached(x) for x in inputs))

    return run


def _detached(x: Any) -> Any:
    """What a tensor's gradient does elsewhere would count as another kind of input."""
    return x.detach() if isinstance(x, Tensor) else tuple(map(_detached, x)) if isinstance(x, tuple) else x


def number(value: float) -> Tensor | float:
    """A number as a kernel takes it: as a tensor, so that another one is not another kernel."""
    return value if torch.compiler.is_compiling() else torch.tensor(value, dtype=torch.float64)
