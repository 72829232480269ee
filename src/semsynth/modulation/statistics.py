"""Means and deviations of a batch norm, for functions that apply them themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from semsynth.modulation.executor import is_real, runs_kernels


@dataclass(eq=False)
class Statistics:
    """Mean and 1/deviation (C,) that a batch norm subtracts and multiplies with.

    `count` is the number of values behind them (of all processes where they are shared), None where they are the
    running averages, which do not depend on the input.
    """

    mean: Tensor
    inverse_deviation: Tensor
    count: int | Tensor | None = None
    group: dist.ProcessGroup | None = None

    @classmethod
    def of(cls, base: nn.Module, x: Tensor) -> Statistics:
        """What `base` would use for x (N,C,H,W); in training mode its running averages move on as usual."""
        assert isinstance(base, _BatchNorm)
        if not base.training and base.running_mean is not None and base.running_var is not None:
            return cls(base.running_mean.clone(), (base.running_var + base.eps).rsqrt())
        averages = _Averages.of(base)
        processes = getattr(base, "processes", None)  # of a SharedBatchNorm
        if base.training and processes is not None:
            mean, variance, count = _shared_moments(x, processes.group)
            averages.move(mean, variance * (count / (count - 1)))
            return cls(mean, (variance + base.eps).rsqrt(), count, processes.group)
        values = x.numel() // x.shape[1]
        if values == 1 and base.training:
            raise ValueError(f"batch statistics need more than 1 value per channel, got input {tuple(x.shape)}")
        mean, _, inverse_deviation = _moments(x, averages, base.eps)
        return cls(mean, inverse_deviation, values)

    def backward(self, grad_sum: Tensor, product_sum: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """How the mean and the deviation carry gradients to x: the gradient gains `x * slope + offset`.

        Args:
            grad_sum: (C,), the sum over all pixels of the gradient of the normalised x.
            product_sum: (C,), the same times the normalised x.

        Returns:
            slope and offset, each (C,); None where the running averages were used.
        """
        if self.count is None:
            return None, None
        sums = torch.stack([grad_sum, product_sum])
        if self.group is not None:
            dist.all_reduce(sums, group=self.group)
        grad_mean, product_mean = sums / self.count
        slope = -product_mean * self.inverse_deviation.square()
        return slope, -grad_mean * self.inverse_deviation - self.mean * slope


@dataclass(eq=False)
class _Averages:
    """The running averages (C,) of a batch norm, where it keeps them, and their momentum; None: over all batches."""

    mean: Tensor | None = None
    variance: Tensor | None = None
    momentum: float | None = 0.0
    batches: Tensor | None = None

    @classmethod
    def of(cls, base: _BatchNorm) -> _Averages:
        """With this batch counted."""
        if not base.training or base.num_batches_tracked is None:
            return cls()
        base.num_batches_tracked.add_(1)
        return cls(base.running_mean, base.running_var, base.momentum, base.num_batches_tracked)

    def step(self) -> float:
        """How far they move towards this batch."""
        return 1 / float(cast(Tensor, self.batches)) if self.momentum is None else self.momentum

    def move(self, mean: Tensor, variance: Tensor) -> None:
        """Towards those of this batch, the variance without bias."""
        if self.mean is not None and self.variance is not None:
            self.mean.lerp_(mean.to(self.mean), self.step())
            self.variance.lerp_(variance.to(self.variance), self.step())


def _moments(x: Tensor, averages: _Averages, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, variance and 1/deviation (C,), at least in float32; running averages move on."""
    mean, variance = averages.mean, averages.variance
    if runs_kernels(x, mean) and x.is_contiguous(memory_format=torch.channels_last):
        from semsynth.modulation.kernels.statistics import moments

        momentum = -1.0 if averages.momentum is None else averages.momentum
        rows = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
        return moments(rows, mean, variance, averages.batches, momentum, eps).unbind()
    if torch.compiler.is_compiling() or not is_real(x):  # which do not know the call below
        precise = x.to(torch.promote_types(x.dtype, torch.float32))
        variance, mean = torch.var_mean(precise, [d for d in range(x.dim()) if d != 1], correction=0)
        values = x.numel() // x.shape[1]
        averages.move(mean, variance * (values / (values - 1)) if values > 1 else variance)
        return mean, variance, (variance + eps).rsqrt()
    if mean is None and x.dtype in (torch.bfloat16, torch.float16):  # torch takes the precision from these
        mean = variance = x.new_zeros(x.shape[1], dtype=torch.float32)
    # torch's own sums, so that fused and plain training move alike
    mean, variance = torch.batch_norm_update_stats(x, mean, variance, averages.step())
    return mean, variance, (variance + eps).rsqrt()


def _shared_moments(x: Tensor, group: dist.ProcessGroup) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, variance (C,) and number of values over all processes, by merging theirs (Chan et al., 1979)."""
    mean, variance, _ = _moments(x, _Averages(), 0.0)
    mine = torch.cat([mean, variance, mean.new_full((1,), x.numel() // x.shape[1])])
    every = mine.new_empty(dist.get_world_size(group), len(mine))
    dist.all_gather(list(every.unbind(0)), mine, group=group)
    means, variances, counts = every.split([len(mean), len(mean), 1], 1)
    count = counts.sum()
    merged = (means * counts).sum(0) / count
    spread = ((variances + (means - merged).square()) * counts).sum(0) / count
    return merged, spread, count
