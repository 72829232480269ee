"""Scalars that must stay finite: kept where they are computed, and looked at on the host now and then."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor

from semsynth.errors import NonFiniteError


@dataclass
class _Noted:
    """Scalars (n,) float32 that were made together, their names, and the epoch and batch."""

    values: Tensor
    names: tuple[str, ...]
    where: str


class Watch:
    """Scalars since the last look, in the order in which they were noted.

    Noting one does not wait for its device; a look waits once for all of them.
    """

    def __init__(self) -> None:
        self._noted: list[_Noted] = []

    def __len__(self) -> int:
        return len(self._noted)

    def note(self, values: Mapping[str, Tensor], where: str) -> None:
        """Note scalars that are made at the same time; `where` is their epoch and batch."""
        stacked = torch.stack([value.detach().float() for value in values.values()])
        self._noted.append(_Noted(stacked, tuple(values), where))

    def look(self, besides: Sequence[Tensor] = (), *, gather: Callable[[Tensor], Tensor] | None = None,
             ) -> list[float]:
        """Check all that was noted, and forget it; return other scalars, which are read along with it, as the means of
        all processes.

        Args:
            besides: Scalars on the same device.
            gather: (n,) of this process -> (processes, n), where there are several: they must all look together, and
                come to the same answer.

        Raises:
            NonFiniteError: names the first that are NaN or infinite, with their values then, their epoch and batch.
        """
        noted, self._noted = self._noted, []
        parts = [entry.values for entry in noted]
        length = sum(map(len, parts))
        if besides:
            parts.append(torch.stack([value.detach() for value in besides]))
        if not parts:
            return []
        values = torch.cat(parts)
        rows = (values[None] if gather is None else gather(values)).tolist()  # the one wait
        _check(noted, [row[:length] for row in rows])
        return [fmean(found) for found in zip(*(row[length:] for row in rows), strict=True)]


def _check(noted: Sequence[_Noted], by_process: Sequence[Sequence[float]]) -> None:
    start = 0
    for entry in noted:
        for numbers in by_process:
            values = zip(entry.names, numbers[start:start + len(entry.names)], strict=True)
            bad = [f"{name} = {value:g}" for name, value in values if not math.isfinite(value)]
            if bad:
                raise NonFiniteError(f"{', '.join(bad)} in {entry.where}, where it began")
        start += len(entry.names)
