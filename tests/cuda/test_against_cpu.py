"""The executor of a CUDA device against float64 on the CPU, without TF32."""

import pytest
import torch
from commands import load

checks = load("bench/checks.py")

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]


@pytest.fixture(autouse=True)
def _exact(monkeypatch):
    """Float32 as it is written."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    yield
    torch.set_float32_matmul_precision(before)


def within_limits(found, factor=1.0):
    wrong = {name: value for name, value in found.items() if not value <= factor * checks.LIMITS[name]}
    assert not wrong, wrong


@pytest.mark.parametrize("case", checks.CASES, ids=str)
def test_a_layer_forward_and_backward(case):
    within_limits(checks.layer(case, "cuda"))


@pytest.mark.parametrize("case", [checks.Case(norm, edges, size=96, ngf=8) for norm in ("spade", "clade_icpe")
                                  for edges in (False, True)], ids=str)
def test_a_layer_at_sizes_and_widths_that_no_tile_divides(case):
    within_limits(checks.layer(case, "cuda"))


@pytest.mark.parametrize("case", checks.CASES, ids=str)
def test_a_generator_in_training_and_folded(case):
    within_limits(checks.generator(case, "cuda"))


@pytest.mark.parametrize("norm", ["spade", "clade"])
def test_a_layer_in_low_precision_rounds_its_result_only(norm):
    """Features in bfloat16 (8 bits), tables in float32: half a unit in the last place of each result, not more."""
    case = checks.Case(norm, False)
    found = checks.layer(case, "cuda", torch.bfloat16)
    within_limits(found, factor=2 ** -8 / checks.LIMITS["layer"])
