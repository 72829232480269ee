"""Means and deviations of a batch norm, for functions that apply them themselves."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@dataclass(eq=False)
class Statistics:
    """Mean and 1/deviation (C,) that a batch norm subtracts and multiplies with.

    ``count`` is the number of values behind them (of all processes where they are shared), None where they are the
    running averages, which do not depend on the input.
    """

    mean: Tensor
    inverse_deviation: Tensor
    count: int | Tensor | None = None
    group: dist.ProcessGroup | None = None

    @classmethod
    def of(cls, base: nn.Module, x: Tensor) -> Statistics:
        """What ``base`` would use for x (N,C,H,W); in training mode its running averages move on as usual."""
        assert isinstance(base, _BatchNorm)
        if not base.training and base.running_mean is not None and base.running_var is not None:
            return cls(base.running_mean.clone(), (base.running_var + base.eps).rsqrt())
        momentum, running_mean, running_var = 0.0, None, None
        if base.training and base.num_batches_tracked is not None:
            base.num_batches_tracked.add_(1)
            momentum = 1 / float(base.num_batches_tracked) if base.momentum is None else base.momentum
            running_mean, running_var = base.running_mean, base.running_var
        processes = getattr(base, "processes", None)  # of a SharedBatchNorm
        group = processes.group if base.training and processes is not None else None
        count: int | Tensor = x.numel() // x.shape[1]
        if group is None:
            if count == 1 and base.training:
                raise ValueError(f"batch statistics need more than 1 value per channel, got input {tuple(x.shape)}")
            # torch's own sums, so that fused and plain training move alike
            mean, variance = _moments(x, running_mean, running_var, momentum)
        else:
            mean, variance, count = _shared_moments(x, group)
            if running_mean is not None and running_var is not None:
                running_mean.lerp_(mean.to(running_mean), momentum)
                running_var.lerp_((variance * (count / (count - 1))).to(running_var), momentum)
        return cls(mean, (variance + base.eps).rsqrt(), count, group)

    def backward(self, grad_sum: Tensor, product_sum: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """How the mean and the deviation carry gradients to x: the gradient gains ``x * slope + offset``.

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


def _moments(x: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None, momentum: float = 0.0,
             ) -> tuple[Tensor, Tensor]:
    """Mean and variance (C,), at least in float32; running averages move on."""
    if running_mean is None and x.dtype in (torch.bfloat16, torch.float16):  # torch takes the precision from these
        running_mean = running_var = x.new_zeros(x.shape[1], dtype=torch.float32)
    return torch.batch_norm_update_stats(x, running_mean, running_var, momentum)


def _shared_moments(x: Tensor, group: dist.ProcessGroup) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, variance (C,) and number of values over all processes, by merging theirs (Chan et al., 1979)."""
    mean, variance = _moments(x)
    mine = torch.cat([mean, variance, mean.new_full((1,), x.numel() // x.shape[1])])
    every = mine.new_empty(dist.get_world_size(group), len(mine))
    dist.all_gather(list(every.unbind(0)), mine, group=group)
    means, variances, counts = every.split([len(mean), len(mean), 1], 1)
    count = counts.sum()
    merged = (means * counts).sum(0) / count
    spread = ((variances + (means - merged).square()) * counts).sum(0) / count
    return merged, spread, count
