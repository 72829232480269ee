"""What kernels and a compiler are given, against torch's calls; the kernels themselves run in test_kernels.py."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.modulation import table
from semsynth.modulation.table import Rows, modulate_rows

N, C, H, W, R = 2, 3, 4, 5, 6


def modulated(x, width, index, gamma, beta, mean, inverse, scales, extra, slope, factor, dtype):
    """In place of the kernels: pixels (P,C) in lines of `width` to (P*factor*factor,C+E)."""
    assert inverse is None
    lines = (x if mean is None else x - mean).reshape(-1, width, x.shape[1])
    shown = lines.repeat_interleave(factor, 0).repeat_interleave(factor, 1).flatten(0, 1)
    factors, shifts = (1, 1) if scales is None else scales.split(1, 1)
    out = shown * gamma[index] * factors + beta[index] * shifts
    return F.leaky_relu(out if extra is None else torch.cat([out, extra], 1), slope).to(dtype)


@pytest.mark.parametrize("way", ["kernels", "compiler"])
@pytest.mark.parametrize("varies", [False, True])
@pytest.mark.parametrize("factor", [1, 2])
def test_every_way_reads_the_same(factor, varies, way, monkeypatch):
    pixels = N * H * W * factor ** 2
    rows = Rows(torch.randn(R, 2 * C), torch.randint(0, R, (pixels,)))
    if varies:
        rows.mean, rows.scales, rows.extra = torch.randn(C), torch.rand(pixels, 2), torch.randn(pixels, 1)
    x = torch.randn(N, C, H, W).to(memory_format=torch.channels_last)
    expected = modulate_rows(x, rows, 0.2, factor)
    if way == "kernels":
        pytest.importorskip("triton")
        monkeypatch.setattr(table, "runs_kernels", lambda *_: True)
        monkeypatch.setattr("semsynth.modulation.kernels.forward.modulated_rows", modulated)
    else:
        monkeypatch.setattr(table, "kernel", lambda formula: formula)  # what a compiler is given
    found = modulate_rows(x, rows, 0.2, factor, compiled=True)
    assert found.shape == (N, C + varies, H * factor, W * factor)
    assert_close(found, expected)


def test_rows_are_compared_as_things():
    """Tensors have no single truth."""
    rows = Rows(torch.zeros(R, 2 * C), torch.zeros(4, dtype=torch.int64))
    assert rows == rows
    assert rows != rows.repeat(1)
