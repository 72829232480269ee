"""Many small tensors as one: a single transfer between processes and devices."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor

_ALIGNED = 64  # bytes


class HasTensors(Protocol):
    """What holds tensors and can be copied with others in their places, always in the same order."""

    def map(self, change: Callable[[Any], Any]) -> Any:
        """The same with every tensor changed."""


T = TypeVar("T", bound=HasTensors)


class _Place(NamedTuple):
    """Where a tensor lies in the buffer, counted in elements of its type."""

    dtype: torch.dtype
    shape: torch.Size
    start: int


class Packed(Generic[T]):
    """An object whose tensors lie in one buffer of bytes: one copy to another device, one segment to another process.

    Lightning and the loaders treat it as a whole, since it is neither a tensor, a collection nor a dataclass.

    Args:
        buffer: (B,) uint8.
        plan: The object, with a place in the buffer for each tensor.
    """

    def __init__(self, buffer: Tensor, plan: T) -> None:
        self.buffer, self.plan = buffer, plan

    @classmethod
    @torch.no_grad()
    def of(cls, item: T) -> Packed[T]:
        """Copy the tensors of an object, which are on one device, into a buffer there."""
        kept: dict[Any, tuple[Tensor, _Place]] = {}  # once each, also where two show the same values
        size = 0

        def place(tensor: Tensor) -> _Place:
            nonlocal size
            shown = (tensor.untyped_storage()._cdata, tensor.storage_offset(), tensor.dtype, tensor.numel(),
                     tensor.is_contiguous() or tensor.stride())
            if shown not in kept:
                kept[shown] = tensor, _Place(tensor.dtype, tensor.shape, size // tensor.element_size())
                size += -(-tensor.nbytes // _ALIGNED) * _ALIGNED
            return kept[shown][1]._replace(shape=tensor.shape)

        plan = item.map(place)
        tensors = list(kept.values())
        packed = cls(torch.empty(size, dtype=torch.uint8, device=tensors[0][0].device), plan)
        read = packed._reader()
        for tensor, own in tensors:
            read(own).copy_(tensor)
        return packed

    def unpacked(self) -> T:
        """The object; its tensors are views of the buffer."""
        found: T = self.plan.map(self._reader())
        return found

    def _reader(self) -> Callable[[_Place], Tensor]:
        typed: dict[torch.dtype, Tensor] = {}

        def read(place: _Place) -> Tensor:
            if place.dtype not in typed:
                typed[place.dtype] = self.buffer.view(place.dtype)
            return typed[place.dtype].narrow(0, place.start, math.prod(place.shape)).view(place.shape)

        return read

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Packed[T]:
        """The same on another device, in one copy; from page-locked memory without waiting for it."""
        return Packed(self.buffer.to(device, non_blocking=non_blocking or self.buffer.is_pinned()), self.plan)

    def pin_memory(self) -> Packed[T]:
        """The same in page-locked memory."""
        return Packed(self.buffer.pin_memory(), self.plan)
