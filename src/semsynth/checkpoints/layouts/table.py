"""A released layout of a state dict, as a table of our names beside theirs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from semsynth.errors import CheckpointError

State = Mapping[str, Tensor]
Row = tuple[str, str]


@dataclass(frozen=True)
class Layout:
    """How released code names the tensors of one network; the tensors themselves are those of ours.

    Attributes:
        name: Of the layout, as in messages.
        part: `generator`, `discriminator` or `encoder`.
        rows: (our name, their name); `{word}` stands for one dotted part and is carried over. The first row that fits
            a name counts. Rows are read from ours to theirs, in both directions of use.
        recognise: Whether a state dict with their names is one of this layout.
        describe: What such a state dict says of its network; raises CheckpointError where it contradicts itself.
        extras: Patterns of their names that may be there besides and mean nothing.
        own: Patterns of our names that such files do not hold, since there they lie elsewhere.
        unread: Patterns of their names of tensors that the network holds and its forward pass never reads.
        class_axes: Patterns of their names of tensors whose label channels are ordered otherwise, see
            `semsynth.checkpoints.layouts.class_order`, and the dimension of these.
    """

    name: str
    part: str
    rows: tuple[Row, ...]
    recognise: Callable[[State], bool]
    describe: Callable[[State], Any]
    extras: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    class_axes: Mapping[str, int] = field(default_factory=dict)

    def official(self, key: str) -> str:
        """Their name of our tensor `key`.

        Raises:
            CheckpointError: the layout has no place for it.
        """
        for ours, theirs in self.rows:
            found = re.fullmatch(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^.]+)", re.escape(ours)), key)
            if found:
                return theirs.format(**found.groupdict())
        raise CheckpointError(f"the released layout {self.name} has no place for {self.part}.{key}")

    def table(self, keys: Iterable[str]) -> dict[str, str]:
        """Our names -> theirs, of what they have."""
        return {key: self.official(key) for key in keys if not any(re.fullmatch(pattern, key) for pattern in self.own)}

    def is_extra(self, key: str) -> bool:
        """Whether their tensor `key` means nothing."""
        return any(re.fullmatch(pattern, key) for pattern in self.extras)

    def is_unread(self, key: str) -> bool:
        """Whether the network holds their tensor `key` without reading it."""
        return any(re.fullmatch(pattern, key) for pattern in self.unread)


def spectral(ours: str, theirs: str) -> tuple[Row, ...]:
    """The rows of a layer with spectral norm: bias, the weights as trained, and the two singular vectors."""
    return ((f"{ours}.bias", f"{theirs}.bias"),
            (f"{ours}.parametrizations.weight.original", f"{theirs}.weight_orig"),
            (f"{ours}.parametrizations.weight.0._u", f"{theirs}.weight_u"),
            (f"{ours}.parametrizations.weight.0._v", f"{theirs}.weight_v"))


def shape(state: State, key: str, dims: int | None = None) -> tuple[int, ...]:
    """The shape of a tensor that must be there.

    Raises:
        CheckpointError: it is not, or has another number of dimensions than `dims`.
    """
    if key not in state:
        raise CheckpointError(f"{key} is missing")
    found = tuple(state[key].shape)
    if dims is not None and len(found) != dims:
        raise CheckpointError(f"{key} has the shape {list(found)}, expected one of {dims} dimensions")
    return found
