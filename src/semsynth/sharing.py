"""Work that several processes share, whose results are those of one process to the last digit.

All of them go over the same pieces of work in the same order, and each does every W-th of them (`mine`). What it finds
is given to all, in the order of the pieces (`shared`). A piece is what one process does at once, such as a batch, so
that whoever adds up what was found adds the same numbers in the same order. A process alone does all, and nothing is
exchanged.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from semsynth.errors import ConfigError, ToldElsewhere

T = TypeVar("T")
R = TypeVar("R")


class MemoryElsewhere(torch.OutOfMemoryError):
    """The memory of another process is short."""


@dataclass(frozen=True)
class _Failed:
    """What a process has instead of a result; whether its `memory` was short."""

    memory: bool


def processes() -> tuple[int, int]:
    """(rank, number of processes); (0, 1) without torch.distributed."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def batches(count: int, size: int) -> list[list[int]]:
    """The indices of `count` samples, `size` of them at a time.

    >>> batches(5, 2)
    [[0, 1], [2, 3], [4]]
    """
    return [list(range(first, min(first + size, count))) for first in range(0, count, size)]


def mine(pieces: Sequence[T]) -> Sequence[T]:
    """The pieces of work of this process."""
    rank, world = processes()
    return pieces[rank::world]


def shared(own: Iterable[T], work: Callable[[T], R], total: int, title: str) -> Iterator[R]:
    """What all processes find, in the order of the pieces; each must ask for all of it.

    >>> list(shared(mine("abc"), str.upper, total=3, title="letters"))
    ['A', 'B', 'C']

    Args:
        own: The pieces of this process, as `mine` has them.
        work: Does one; what it returns must be picklable, and on the CPU.
        total: The pieces of all processes.
        title: Names the work, by which processes see that they do the same.
    """
    rank, world = processes()
    pieces = iter(own)
    for first in range(0, total, world):
        found = gathered(work(next(pieces)) if first + rank < total else None, f"{title} {first} of {total}")
        yield from found[:total - first]  # type: ignore[misc]  # None where there was no piece


def gathered(value: T, title: str) -> list[T]:
    """The values of all processes, in the order of their ranks.

    Raises:
        ToldElsewhere: another process has failed.
        MemoryElsewhere: for want of memory.
        ConfigError: another process does something else.
    """
    if processes()[1] == 1:
        return [value]
    found = _exchanged((title, value))
    failed = [value for _, value in found if isinstance(value, _Failed)]
    if failed:
        raise MemoryElsewhere if all(each.memory for each in failed) else ToldElsewhere
    titles = list(dict.fromkeys(title for title, _ in found))
    if len(titles) > 1:
        raise ConfigError(f"the processes do not do the same, but {' and '.join(titles)}: all nodes must see the same "
                          "data, weights and runs, and get the same command")
    return [value for _, value in found]


def from_first(make: Callable[[], T], title: str) -> T:
    """What the first process makes, for all."""
    rank, world = processes()
    box = [make() if rank == 0 else None]
    if world > 1:
        gathered(None, title)
        dist.broadcast_object_list(box, src=0)
    return box[0]  # type: ignore[return-value]


def summed(numbers: Tensor) -> Tensor:
    """The sums of tensors of one shape over all processes, without gradient, on any device."""
    whole = numbers.detach()
    if processes()[1] > 1:
        whole = whole.clone()
        dist.all_reduce(whole)
    return whole


def mean_of_all(total: Tensor, weight: Tensor) -> Tensor:
    """A mean over what all processes have, weights included, as each finds it for its own part.

    The mean of what the processes find, as they average gradients and losses, is the whole total over the whole weight,
    however unevenly the weight is spread over them.

    >>> mean_of_all(torch.tensor(6.0), torch.tensor(4.0)).item()
    1.5

    Args:
        total: Scalar, the weighted sum of this process's part.
        weight: Scalar, the sum of its weights.

    Returns:
        Scalar; zero where there is no weight at all.
    """
    return total * processes()[1] / summed(weight).to(total).clamp_min(torch.finfo(total.dtype).tiny)


def announce(error: Exception) -> None:
    """Tell the other processes, which wait for what was to be found, that this one has failed.

    Raises:
        ToldElsewhere: a process before this one has failed too, and says why; want of memory, with which all may go on,
            says nothing beside another reason.
    """
    rank, world = processes()
    if world == 1 or isinstance(error, ToldElsewhere | MemoryElsewhere):
        return
    try:
        found = _exchanged(("", _Failed(isinstance(error, torch.OutOfMemoryError))))
    except RuntimeError:
        return  # they are gone
    say = [place for place, (_, value) in enumerate(found) if isinstance(value, _Failed) and not value.memory]
    if say and say[0] != rank:
        raise ToldElsewhere from error


def store_of_restart(world: int) -> dist.Store | None:
    """Where processes that torchrun has restarted (`--max-restarts`) find each other; None for the first start.

    One store serves all starts, and torch 2.15 reads in it the addresses of processes that are no more: they are in
    nobody's way under a prefix for each start.
    """
    start = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    if start == "0":
        return None
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return dist.PrefixStore(f"start_{start}", dist.TCPStore(address, port, world, is_master=False))


def _exchanged(value: T) -> list[T]:
    found = [value] * processes()[1]
    dist.all_gather_object(found, value)
    return found
