import pytest
import torch

from semsynth.training.finite_checks import memory_advice, out_of_memory


def test_memory_runs_out_in_three_ways():
    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**60)
    for error in (refused.value, MemoryError(), torch.OutOfMemoryError("CUDA out of memory")):
        assert out_of_memory(error)
    assert not out_of_memory(RuntimeError("shapes differ"))


def test_advice_keeps_the_effective_batch():
    text = memory_advice(batch=6, accumulate=2, precision="32-true", checkpointing=False)
    assert "batch.total=12 batch.device=3 " in text
    for key in ("batch.device=6", "batch.accumulation=2", "trainer.precision=bf16-mixed",
                "generator.checkpointing=true"):
        assert key in text


def test_advice_leaves_out_what_is_already_done():
    text = memory_advice(batch=1, accumulate=8, precision="bf16-mixed", checkpointing=True)
    first, rest = text.split("\n", 1)
    assert "bf16" in first
    assert "bf16" not in rest
    assert "generator.ngf=" in rest
