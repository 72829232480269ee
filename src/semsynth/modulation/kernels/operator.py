"""Functions that launch kernels, as operations that torch's compiler does not look into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Function = Callable[..., Any]


def operator(shapes: Function, mutates: Sequence[str] = ()) -> Callable[[Function], Function]:
    """A decorator: the function runs as it is, and stands as one operation in a graph that a compiler makes.

    Its first argument is a tensor on the device of all others.

    Args:
        shapes: the same arguments to empty tensors as the function would give.
        mutates: names of arguments that it changes.
    """
    def decorate(function: Function) -> Function:
        operation: Any = torch.library.custom_op(f"semsynth::{function.__name__}", function, mutates_args=mutates)
        operation.register_fake(shapes)

        def run(first: Tensor, *args: Any) -> Any:
            if torch.compiler.is_compiling():
                return operation(first, *args)
            with torch.cuda.device_of(first):  # Triton launches on the current device
                return function(first, *args)

        return run

    return decorate


def alike(*tables: Tensor) -> tuple[Tensor, ...]:
    """Tables (R,C) with the same strides, of the last dimension 1."""
    if all(t.stride() == tables[0].stride() and t.stride(1) == 1 for t in tables):
        return tables
    return tuple(t.contiguous() for t in tables)


def packed(*tensors: Any) -> tuple[Any, ...]:
    """Tensors without gaps, as kernels walk over them; None stays None."""
    return tuple(t if t is None else t.contiguous() for t in tensors)


def block(size: int, least: int, most: int) -> int:
    """The power of two that holds ``size``, within bounds."""
    return min(most, max(least, 1 << (size - 1).bit_length()))


def blocks(size: int, each: int) -> int:
    """How many blocks of ``each`` cover ``size``."""
    return -(-size // each)
