"""The script that measures the rivals does not rot."""

import pytest
import torch
from commands import ROOT, load

LABELS = torch.arange(64).expand(1, 64, 64) // 16


@pytest.fixture(scope="module")
def rivals():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "bench")  # the scripts there import each other by name
        yield load("bench/rivals.py")


@pytest.mark.parametrize("name", ["OASIS", "OASIS with CLADE", "DAGAN", "CC-FPSE"])
def test_a_row(rivals, name):
    build = rivals.networks(64, 2, 4)[name]
    drawn, trained = (measure(build, LABELS, 4, 1) for measure in (rivals.drawing, rivals.training))
    assert (len(drawn), len(trained)) == (len(rivals.DRAWN), len(rivals.TRAINED))
    assert float(drawn[-1]) < 1e-4  # the same pictures


def test_rows_of_first_convolutions(rivals):
    rows = rivals.first_convolutions(LABELS, 4, 1)
    assert [name for name, _ in rows] == ["pix2pixHD, 7x7 to 64", "CC-FPSE, 3x3 to 128"]
    assert all(len(cells) == len(rivals.FIRST) - 3 and float(cells[-1]) < 1e-4 for _, cells in rows)
