"""Numbers for the windows of codes around the pixels of several label maps at once, for an accelerator.

All windows of all sizes are sorted together. Until the numbers of distinct ones are read, the one time that the host
waits, no shape depends on a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import accumulate, pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from semsynth.semantics.distinct import Distinct, Windows, by_runs
from semsynth.semantics.lookup import Pieces

_MIX = 0x5851F42D4C957F2D  # odd; a collision of keys is noticed, so that any will do
_KEY = 57  # bits of a key below the number of its map


def by_one_sort(windows: Sequence[Windows], facts: Sequence[Tensor] = ()) -> tuple[list[Distinct], list[int]]:
    """Number the windows of each of up to 63 maps; also reads scalars `facts`, since waiting once more is dear."""
    if len(windows) > 63:
        raise ValueError(f"windows of up to 63 maps can be sorted together, got {len(windows)}")
    # those of one side lie behind each other
    places = sorted(range(len(windows)), key=lambda i: windows[i].side)
    bounds = list(accumulate((windows[i].pixels for i in places), initial=0))
    rows = [torch.cat([w.rows() for w in windows if w.side == side]) for side in sorted({w.side for w in windows})]
    keys = torch.cat([_keys(r) for r in rows])
    for tag, (begin, end) in enumerate(pairwise(bounds)):
        keys[begin:end] += tag << _KEY
    keys, order = keys.sort(stable=True)

    changes, total = keys[1:] != keys[:-1], len(keys)
    first = F.pad(changes, (1, 0), value=True)
    number = first.cumsum(0) - 1  # over all maps
    index = torch.empty_like(order).scatter_(0, order, number)
    # where each number starts; what is no start is written behind the end
    starts = order.new_empty(total + 1).scatter_(0, torch.where(first, number, total),
                                                 torch.arange(total, device=order.device))
    last = [number[end - 1] for end in bounds[1:]]
    clash = _clash(rows, order, changes)

    read = _on_host([clash, *last, *facts])
    found: dict[int, Distinct] = {}
    for i, (begin, end), (before, own_last) in zip(places, pairwise(bounds), pairwise([-1, *read[1:len(last) + 1]]),
                                                   strict=True):
        if read[0]:
            found[i] = by_runs(windows[i])
            continue
        own, own_starts = order[begin:end] - begin, starts[before + 1:own_last + 1] - begin
        found[i] = Distinct((index[begin:end] - (before + 1)).int(), own[own_starts],
                            partial(Pieces.of, own, own_starts))
    return [found[i] for i in range(len(windows))], read[len(last) + 1:]


def _keys(rows: Tensor) -> Tensor:
    """(P,side) -> (P,), in [0, 2**57)."""
    mix = torch.full((rows.shape[1],), _MIX, device=rows.device).cumprod(0)  # a list would be copied, and waited for
    return ((rows ^ (rows >> 31)) * mix).sum(1) & ((1 << _KEY) - 1)


def _clash(rows: list[Tensor], order: Tensor, changes: Tensor) -> Tensor:
    """Whether neighbours in the order share a key and are not equal, a scalar."""
    found, begin = torch.zeros((), dtype=torch.bool, device=order.device), 0
    for own in rows:
        end = begin + len(own)
        own = own.index_select(0, order[begin:end] - begin)
        found |= ((own[1:] != own[:-1]).any(1) & ~changes[begin:end - 1]).any()
        begin = end
    return found


def _on_host(scalars: Sequence[Tensor]) -> list[int]:
    """Wait for the device."""
    return torch.stack([s.long() for s in scalars]).tolist()
