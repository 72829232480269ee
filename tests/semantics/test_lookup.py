from itertools import pairwise

import pytest
import torch
from torch.testing import assert_close

from semsynth.modulation.sums import sums_by_row
from semsynth.semantics.lookup import Lookup, Pieces


def test_lookups_are_compared_as_things():
    """Tensors have no single truth."""
    lookup, other = (Lookup(torch.zeros(4, dtype=torch.int64), 2).sorted() for _ in range(2))
    assert lookup == lookup
    assert lookup != other
    assert lookup.pieces != other.pieces


@pytest.mark.parametrize(("pixels", "rows"), [(1, 1), (255, 3), (256, 1), (257, 1), (1024, 2), (5000, 7), (3000, 400)])
def test_pieces_cut_every_row_into_at_most_256_of_its_pixels(pixels, rows):
    index = torch.randint(0, rows, (pixels,)) // 2 * 2 % rows  # some rows have no pixel
    pieces = Lookup(index, rows).sorted().pieces
    order, starts, first = (t.tolist() for t in (pieces.order, pieces.starts, pieces.rows))
    assert sorted(order) == list(range(pixels))
    assert starts[0] == first[0] == 0
    assert starts[-1] == pixels
    assert first[-1] == len(starts) - 1 == rows + -(-pixels // 256) - 1
    for row in range(rows):
        cut = starts[first[row]:first[row + 1] + 1]
        assert len(cut) > 1
        assert all(0 <= b - a <= 256 for a, b in pairwise(cut))
        assert order[cut[0]:cut[-1]] == (index == row).nonzero().flatten().tolist()


@pytest.mark.parametrize("first", [[0, 256, 256, 512], [0, 0, 300, 600], [0, 600, 600, 600], [0, 1, 255, 257]])
def test_cuts_that_meet_a_row_s_start(first):
    """Rows that start or end at a multiple of 256, and rows without pixels there."""
    pieces = Pieces.of(torch.arange(600), torch.tensor(first))
    begins = pieces.starts[pieces.rows.long()].tolist()
    assert begins == [*first, 600]
    assert pieces.starts.diff().min() >= 0
    assert pieces.starts.diff().max() <= 256


@pytest.mark.parametrize("kind", [torch.int32, torch.int64])
@pytest.mark.parametrize("count", [5, 300, 40000])
def test_sums_equal_those_of_a_loop(kind, count):
    index = torch.randint(0, count, (3000,))
    values, weights = torch.randn(3000, 4).double(), torch.randn(3000).double()
    lookup = Lookup(index.to(kind), count)
    wanted = torch.zeros(count, 4).double()
    assert_close(sums_by_row(lookup, values), wanted.index_add(0, index, values))
    assert_close(sums_by_row(lookup, values, weights), wanted.index_add(0, index, values * weights[:, None]))
    shared = values[:1000]
    assert_close(sums_by_row(lookup, shared, shared_by=3), wanted.index_add(0, index, shared.repeat_interleave(3, 0)))
