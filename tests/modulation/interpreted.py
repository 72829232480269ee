"""Every kernel in Triton's interpreter. Run by test_kernels.py, in a process of its own."""

import pytest
import torch
import torch.nn.functional as F
from interpreting import EPS, error
from torch import nn
from torch.testing import assert_close

from semsynth.modulation import autograd, executor, gradients, table
from semsynth.modulation.kernels import backward, forward, statistics, sums
from semsynth.modulation.sums import sum_of_rows, sums_by_row
from semsynth.semantics.lookup import Lookup


def lines(pixels, rows, kind):
    """Which row each pixel reads."""
    if kind == "one":
        return torch.zeros(pixels, dtype=torch.int64)
    index = torch.randint(0, rows, (pixels,))
    return index.where(index != 1, 0) if kind == "empty" else index  # nothing reads row 1


CASES = [  # pixels, rows, channels, extra channels, scales, slope, precision, which rows
    (400, 6, 16, 0, False, 0.2, torch.float32, "empty"),
    (300, 6, 5, 1, True, 0.2, torch.float32, "all"),
    (530, 1, 48, 0, False, 1.0, torch.float32, "one"),
    (35, 3, 1, 2, True, 0.2, torch.float32, "all"),
    (61, 10, 130, 1, False, 0.2, torch.float32, "empty"),
    (300, 23, 4, 0, True, 1.0, torch.float32, "all"),
    (530, 4, 24, 0, False, 0.2, torch.bfloat16, "all"),
    (99, 4, 33, 1, True, 0.2, torch.float16, "empty"),
    (3000, 2, 3, 0, False, 0.2, torch.float32, "one"),
]


@pytest.mark.parametrize(("pixels", "rows", "channels", "extra", "scaled", "slope", "dtype", "kind"), CASES)
def test_forward_and_backward(pixels, rows, channels, extra, scaled, slope, dtype, kind):
    """Against the formula in float64, through batch statistics."""
    x, index = (torch.randn(pixels, channels) * 2 + 3).to(dtype), lines(pixels, rows, kind)
    gamma, beta = torch.randn(rows, 2 * channels).chunk(2, 1)  # rows of another stride
    scales = torch.rand(pixels, 2) + 0.5 if scaled else None
    appended = torch.randn(pixels, extra) if extra else None
    grad = torch.randn(pixels, channels + extra).to(dtype)
    exact = [t.double().requires_grad_() if t is not None else None for t in (x, gamma, beta, scales, appended)]
    deviation, mean = torch.var_mean(exact[0], 0, correction=0)
    inverse = (deviation + 1e-5).rsqrt()
    by_gamma, by_beta = (1, 1) if scales is None else exact[3].split(1, 1)
    expected = (exact[0] - mean) * inverse * exact[1][index] * by_gamma + exact[2][index] * by_beta
    if extra:
        expected = torch.cat([expected, exact[4]], 1)
    expected = F.leaky_relu(expected, slope)
    mean, inverse = mean.detach().float(), inverse.detach().float()
    found = forward.modulated_rows(x, pixels, index, gamma, beta, mean, inverse, scales, appended, slope, 1, dtype)
    assert found.dtype == dtype
    assert error(found, expected) < EPS[dtype]

    wanted = torch.autograd.grad(expected, [t for t in exact if t is not None], grad.double())
    own = autograd.Statistics(mean, inverse, pixels)
    got = gradients.gradients(grad, x, gamma, beta, scales, Lookup(index, rows), own, slope, found, compiled=False)
    for value, true in zip([t for t in got if t is not None], wanted, strict=True):
        assert error(value, true) < EPS[dtype]
    if kind == "empty":
        assert not got[1][1].any()
    # with the running averages nothing goes through the statistics
    got = gradients.gradients(grad, x, gamma, beta, scales, Lookup(index, rows), autograd.Statistics(mean, inverse),
                              slope, found, compiled=False)
    exact_mean, exact_inverse = mean.double(), inverse.double()
    alone = F.leaky_relu((exact[0] - exact_mean) * exact_inverse * exact[1][index] * by_gamma
                         + exact[2][index] * by_beta, slope)
    assert error(got[0], torch.autograd.grad(alone, exact[0], grad[:, :channels].double())[0]) < EPS[dtype]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("channels", "varies"), [(16, False), (5, True)])
def test_upsampled(channels, varies, dtype):
    n, h, w, factor = 2, 3, 5, 2
    x = torch.randn(n, channels, h, w).to(memory_format=torch.channels_last)
    pixels = n * h * w * factor ** 2
    rows = table.Rows(torch.randn(7, 2 * channels), torch.randint(0, 7, (pixels,)),
                      torch.randn(channels) if varies else None, torch.rand(pixels, 2) if varies else None,
                      torch.randn(pixels, 1) if varies else None)
    found = table.modulate_rows(x, rows, 0.2, factor, dtype=dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executor, "DEVICES", set())
        expected = table.modulate_rows(x, rows, 0.2, factor, dtype=torch.float32)
    assert found.dtype == dtype
    assert error(found.float(), expected) < EPS[dtype]


@pytest.mark.parametrize(("pixels", "channels"), [(2, 40), (3000, 3), (1025, 16), (64, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_statistics(pixels, channels, dtype, monkeypatch):
    """Far from zero, where sums of squares would cancel; in few parts, so that parts have several blocks."""
    monkeypatch.setattr(statistics, "PARTS", 4)
    x = (torch.randn(pixels, channels) + 100).to(dtype)
    plain, norm = nn.BatchNorm1d(channels), nn.BatchNorm1d(channels)
    found = statistics.moments(x, norm.running_mean, norm.running_var, None, 0.1, 1e-5)
    variance, mean = torch.var_mean(x.double(), 0, correction=0)
    plain(x.float())
    assert_close(found, torch.stack([mean, variance, (variance + 1e-5).rsqrt()]).float(), rtol=1e-4, atol=1e-5)
    assert_close(norm.running_mean, plain.running_mean)
    assert_close(norm.running_var, plain.running_var, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("pixels", "rows", "kind"), [(3000, 2, "one"), (50, 30, "empty"), (300, 23, "all")])
@pytest.mark.parametrize("weighted", [False, True])
def test_sums_by_row(pixels, rows, kind, weighted):
    index, values = lines(pixels, rows, kind), torch.randn(pixels, 5)
    weights = torch.randn(pixels) if weighted else None
    pieces = Lookup(index, rows).sorted().pieces
    found = sums.sums_by_row(values, pieces.order, pieces.starts, pieces.rows, weights, 1, torch.float32)
    exact = values.double() if weights is None else values.double() * weights.double()[:, None]
    assert_close(found, torch.zeros(rows, 5).double().index_add_(0, index, exact).float(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_sum_of_rows(dtype):
    rows = torch.randint(0, 7, (23, 9))
    given = torch.randn(7, 20).to(dtype).requires_grad_()
    out, weights = sum_of_rows(given, rows), torch.randn(23, 20)
    exact = given.detach().double().requires_grad_()
    expected = exact[rows].sum(1)
    assert error(out, expected) < 1e-6
    grad, = torch.autograd.grad((out * weights).sum(), given)
    assert grad.dtype == dtype
    assert error(grad, torch.autograd.grad((expected * weights).sum(), exact)[0]) < EPS[dtype]


def test_rows_that_lie_far_apart():
    """More than 2**31 elements: what is read with 32 bits lies elsewhere. Memory that is not touched costs nothing."""
    apart, channels = 2 ** 30 + 8, 4
    values = torch.empty(2 * apart + channels, dtype=torch.float16).as_strided((3, channels), (apart, 1))
    values.copy_(torch.arange(12.).view(3, channels))
    lookup = Lookup(torch.tensor([0, 1, 1], dtype=torch.int32), 2).sorted()
    pieces = lookup.pieces
    found = sums.sums_by_row(values, pieces.order.int(), pieces.starts.int(), pieces.rows.int(), None, 1, torch.float32)
    assert_close(found, torch.tensor([[0., 1, 2, 3], [12, 14, 16, 18]]))
    gamma = torch.ones(2, channels)
    mean, inverse = torch.zeros(channels), torch.ones(channels)
    grad_gamma, grad_beta, _ = backward.table_gradients(
        values, torch.ones(3, channels), pieces.order.int(), pieces.starts.int(), pieces.rows.int(), lookup.index,
        gamma, gamma, mean, inverse, None, 1.0)
    assert_close(grad_beta, found)
    assert_close(grad_gamma, found)


def test_tensors_with_gaps():
    """Weights and scales are often columns of something larger."""
    values, scales, lookup = torch.randn(30, 8)[:, ::2], torch.randn(2, 30).t(), Lookup(torch.arange(30) % 4, 4)
    found = sums_by_row(lookup, values, scales[:, 0])
    assert_close(found, torch.stack([(values * scales[:, :1])[k::4].sum(0) for k in range(4)]))
    table, index = torch.randn(2, 4, 4)
    shown = forward.modulated_rows(values, 30, lookup.index, table, index, None, None, scales, None, 1.0, 1,
                                   torch.float32)
    rows = lookup.index
    assert_close(shown, values * table[rows] * scales[:, :1] + index[rows] * scales[:, 1:])
