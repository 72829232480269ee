"""Statistics on each of their ways against torch's own batch norm."""

import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from semsynth.modulation import statistics
from semsynth.modulation.statistics import Statistics


def moments(x, running_mean, running_var, tracked, momentum, eps):
    """In place of the kernels: of the channels of x (P,C)."""
    variance, mean = torch.var_mean(x, 0, correction=0)
    step = 1 / tracked if momentum < 0 else momentum
    running_mean.lerp_(mean, step)
    running_var.lerp_(variance * len(x) / (len(x) - 1), step)
    return torch.stack([mean, variance, (variance + eps).rsqrt()])


@pytest.fixture(params=["torch's call", "compiled", "kernels"])
def of(request, monkeypatch):
    """Mean, 1/deviation and count that a batch norm uses for a batch."""
    def found(base, x):
        made = Statistics.of(base, x)
        return made.mean, made.inverse_deviation, made.count

    if request.param == "compiled":
        torch._dynamo.reset()
        return torch.compile(found, backend="eager", fullgraph=True)
    if request.param == "kernels":
        pytest.importorskip("triton")
        monkeypatch.setattr(statistics, "runs_kernels", lambda *_: True)
        monkeypatch.setattr("semsynth.modulation.kernels.statistics.moments", moments)
    return found


@pytest.mark.parametrize("momentum", [0.1, None])
def test_a_batch_is_described_and_the_running_averages_move(of, momentum):
    base = nn.BatchNorm2d(3, affine=False, momentum=momentum).double()
    plain = copy.deepcopy(base)
    for _ in range(2):
        x = (torch.randn(2, 3, 4, 5).double() * 2 + 3).to(memory_format=torch.channels_last)
        mean, inverse, count = of(base, x)
        plain(x)
        variance = x.var((0, 2, 3), correction=0)
        assert_close((mean, inverse, count), (x.mean((0, 2, 3)), (variance + base.eps).rsqrt(), 40))
    assert_close(dict(base.named_buffers()), dict(plain.named_buffers()))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("tracked", [True, False])
def test_statistics_of_low_precision_are_in_float32(tracked, dtype):
    base = nn.BatchNorm2d(3, affine=False, track_running_stats=tracked)
    x = (torch.randn(2, 3, 4, 5) + 3).to(dtype)
    found, mean = Statistics.of(base, x), x.float().mean((0, 2, 3))
    assert_close(found.mean, mean)
    assert_close(found.inverse_deviation, (x.float().var((0, 2, 3), correction=0) + base.eps).rsqrt())
    if tracked:
        assert_close(base.running_mean, 0.1 * mean)


@pytest.mark.parametrize("share", [2, 5])
def test_moments_of_two_processes_are_those_of_all_values(share, monkeypatch):
    """Which may have batches of two sizes and means far apart."""
    x = torch.randn(8, 3, 4, 5).double()
    parts = x[:share], x[share:] * 3 + 5
    sent = []
    monkeypatch.setattr(statistics.dist, "get_world_size", lambda group: 2)
    monkeypatch.setattr(statistics.dist, "all_gather", lambda into, mine, group: sent.append(mine) or
                        [place.copy_(given) for place, given in zip(into, (sent * 2)[-2:], strict=True)])
    for part in parts:
        mean, variance, count = statistics._shared_moments(part, None)
    whole = torch.cat(parts)
    assert_close((mean, variance), (whole.mean((0, 2, 3)), whole.var((0, 2, 3), correction=0)))
    assert count == whole.numel() / 3
