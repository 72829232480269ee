"""What several processes share: sums, gathered rows, and who holds which sample."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def processes() -> tuple[int, int]:
    """(rank, number of processes); (0, 1) without torch.distributed."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def all_sum(tensor: Tensor) -> Tensor:
    """Sum of a tensor over all processes, on the CPU; the tensor itself without torch.distributed."""
    if processes()[1] == 1:
        return tensor
    # NCCL sums on the GPU only.
    device = torch.device("cuda", torch.cuda.current_device()) if dist.get_backend() == "nccl" else torch.device("cpu")
    summed = tensor.detach().clone().to(device)
    dist.all_reduce(summed)
    return summed.cpu()


def all_rows(rows: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (n,...) of all processes in the order of their positions (n,) int64, with the positions."""
    rank_count = processes()[1]
    if rank_count > 1:
        gathered: list[Any] = [None] * rank_count
        dist.all_gather_object(gathered, (rows.cpu(), positions.cpu()))
        rows = torch.cat([part[0] for part in gathered])
        positions = torch.cat([part[1] for part in gathered])
    order = positions.argsort()
    return rows[order], positions[order]


def from_first(value: Any) -> Any:
    """The first process's value, on all processes."""
    if processes()[1] == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def positions_of(batch_index: int, batch: int, count: int) -> Tensor:
    """Positions (count,) of a batch's samples in the order that all processes share.

    Rank r of W holds every W-th sample of the order, starting at r, as `semsynth.data.sampler.ResumableSampler` deals
    them. Positions from the length of the data set on are repetitions that pad the last batches.

    Args:
        batch_index: Index of the batch on this rank.
        batch: Size of the rank's full batches.
        count: Samples in this batch.
    """
    rank, world = processes()
    return (batch_index * batch + torch.arange(count)) * world + rank
