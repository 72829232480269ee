"""Batch norms whose statistics are those of all processes."""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from semsynth.modulation.statistics import Statistics


class Processes:
    """Those that share statistics. A network that is copied goes on sharing with the same ones."""

    def __init__(self, group: dist.ProcessGroup) -> None:
        self.group = group

    def __deepcopy__(self, memo: dict[int, Any]) -> Processes:
        return self


class SharedBatchNorm(_BatchNorm):
    """A batch norm over the samples of all processes, on any device: (N,C,...) -> (N,C,...).

    Processes may hold different numbers of samples. Means, deviations and what the backward pass sums come from
    `semsynth.modulation.statistics.Statistics`, as in the fused functions: of one layer, some processes may run
    this forward and others a fused function, and they understand each other. (torch's SyncBatchNorm exchanges other
    quantities of the same size, and would mix with them in silence.)

    Made by `share_statistics` only.
    """

    processes: Processes

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"a batch norm needs samples and channels, got input {tuple(input.shape)}")

    def forward(self, input: Tensor) -> Tensor:
        """Normalise with the statistics of all samples; in evaluation mode with the running averages."""
        if not self.training:
            return super().forward(input)
        self._check_input_dim(input)
        out = _Normalise.apply(input, self)
        if not self.affine:
            return out
        weight, bias = (_by_channel(p, input) for p in (self.weight, self.bias))
        return torch.addcmul(bias, out, weight).to(input.dtype)


class _Normalise(torch.autograd.Function):
    """(x - mean) / deviation; kept for the backward pass: x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, base: SharedBatchNorm) -> Tensor:
        statistics = Statistics.of(base, x)
        ctx.save_for_backward(x)
        ctx.statistics = statistics
        factor = statistics.inverse_deviation
        return torch.addcmul(_by_channel(-statistics.mean * factor, x), x, _by_channel(factor, x)).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        x, = ctx.saved_tensors
        statistics: Statistics = ctx.statistics
        mean, inverse = statistics.mean, statistics.inverse_deviation
        across = [d for d in range(x.dim()) if d != 1]
        product_sum = ((x - _by_channel(mean, x)) * grad).sum(across) * inverse
        slope, offset = (cast(Tensor, v) for v in statistics.backward(grad.sum(across, dtype=mean.dtype), product_sum))
        through_statistics = torch.addcmul(_by_channel(offset, x), x, _by_channel(slope, x))
        return torch.addcmul(through_statistics, grad, _by_channel(inverse, x)).to(x.dtype), None


def _by_channel(vector: Tensor, x: Tensor) -> Tensor:
    """(C,) as it stands beside x (N,C,...)."""
    return vector.view(-1, *[1] * (x.dim() - 2))


def foldable(base: nn.Module) -> bool:
    """Whether `base` only subtracts a mean and divides by a deviation per channel, as a plain batch norm does.

    Not torch's SyncBatchNorm: its processes exchange what the fused functions would not understand.
    """
    return type(base) in (nn.BatchNorm2d, SharedBatchNorm) and not base.affine  # type: ignore[union-attr]


def share_statistics(network: nn.Module) -> None:
    """Let every batch norm in `network` take its statistics over all processes, which must all call this.

    The exchange has a process group of its own: it would mix with the averaging of gradients, which starts whenever
    some are ready, and that depends on how a layer is computed.
    """
    norms: list[Any] = [m for m in network.modules() if type(m) in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)]
    if not norms:
        return
    processes = Processes(cast(dist.ProcessGroup, dist.new_group()))
    for norm in norms:
        norm.__class__ = SharedBatchNorm  # the same parameters, averages and places in the network
        norm.processes = processes
