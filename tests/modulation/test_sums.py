"""Sums over the pixels of a row, and sums of rows."""

import pytest
import torch
from torch.testing import assert_close

from semsynth.modulation.sums import sum_of_rows, sums_by_row
from semsynth.semantics.lookup import Lookup


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("pixels", "rows"), [(7, 3), (1000, 2), (600, 300), (1, 1)])
def test_sums_over_the_pixels_of_a_row(pixels, rows, weighted):
    index, values = torch.randint(0, rows, (pixels,)), torch.randn(pixels, 4).double()
    weights = torch.randn(pixels).double() if weighted else None
    weighted_values = values if weights is None else values * weights[:, None]
    expected = torch.zeros(rows, 4).double().index_add_(0, index, weighted_values)
    lookup = Lookup(index, rows)
    assert len(lookup) == rows
    assert_close(sums_by_row(lookup, values, weights), expected)


@pytest.mark.parametrize("prepared", [False, True])
def test_sums_of_rows_have_the_gradient_of_a_gather(prepared):
    table, rows = torch.randn(7, 3).double().requires_grad_(), torch.randint(0, 7, (11, 4))
    back = Lookup(rows.flatten(), 7) if prepared else None
    assert_close(sum_of_rows(table, rows, back), table[rows].sum(1))
    assert torch.autograd.gradcheck(lambda t: sum_of_rows(t, rows, back), (table,))
