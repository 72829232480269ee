"""The script that measures a GPU does not rot where there is none."""

import subprocess
import sys

import pytest
import torch
from commands import ROOT, load

from semsynth.norms.clade import CLADE

checks = load("bench/checks.py")


@pytest.mark.slow
@pytest.mark.seldom
def test_it_runs_tiny_on_a_cpu(tmp_path):
    page = tmp_path / "page.md"
    done = subprocess.run([sys.executable, "bench/cuda.py", "small", "minutes=60", f"page={page}"], cwd=ROOT, text=True,
                          capture_output=True, timeout=900)
    text = page.read_text()
    assert done.returncode == 0, done.stdout + done.stderr + text
    assert not any(word in text for word in ("failed", "Failed", "WRONG", "no time left", "Cut off"))
    assert text.count("not measured") == 0
    assert text.count("\n## ") == 8
    for row in ("| SPADE, released, compiled bf16 |", "| CLADE, new map, bf16 |", "| clade_icpe, edges |",
                "| SPADE, iteration, drawn once, bf16 |", "| CLADE, G, released, fp32 |", "| make train, tiny |"):
        assert row in text, row


def more(out):
    return out * 1.001


def backwards(out):
    out.register_hook(lambda gradient: gradient * 1.001)
    return out


@pytest.mark.parametrize(("fault", "seen"), [(None, set()), (more, {"layer", "layer, gradient"}),
                                             (backwards, {"layer, gradient"})])
def test_the_checks_see_a_device_that_errs_by_a_thousandth(fault, seen, monkeypatch):
    forward = CLADE.forward

    def wrong(self, x, semantics, slope=1.0):
        out = forward(self, x, semantics, slope)
        return out if fault is None or x.dtype == torch.float64 else fault(out)

    monkeypatch.setattr(CLADE, "forward", wrong)
    found = checks.layer(checks.Case("clade", False, 64, 4), "cpu")
    assert {name for name, error in found.items() if error > checks.LIMITS[name]} == seen
