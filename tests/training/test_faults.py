import pytest
import torch

from semsynth.training.faults import NonFiniteError, check_finite, memory_advice, non_finite, out_of_memory


def test_every_bad_term_is_named():
    raw = {"loss/generator/a": torch.tensor(1.0), "loss/generator/b": torch.tensor(float("nan")),
           "loss/generator/c": torch.tensor(float("-inf"))}
    assert non_finite(raw).tolist() == [0, 1, 1]
    with pytest.raises(NonFiniteError, match=r"b = nan, loss/generator/c = -inf in epoch 2.*No weights were changed"):
        check_finite("generator", raw, non_finite(raw), "epoch 2, batch 3")
    with pytest.raises(NonFiniteError, match="The discriminator was not changed in this step; the generator was"):
        check_finite("discriminator", raw, non_finite(raw), "epoch 2, batch 3")
    check_finite("generator", raw, torch.zeros(3), "epoch 2, batch 3")


def test_memory_runs_out_in_three_ways():
    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**60)
    for error in (refused.value, MemoryError(), torch.OutOfMemoryError("CUDA out of memory")):
        assert out_of_memory(error)
    assert not out_of_memory(RuntimeError("shapes differ"))


def test_advice_keeps_the_effective_batch():
    text = memory_advice(batch=6, accumulate=2, precision="32-true", checkpointing=False)
    assert "batch=3 accumulate=4" in text
    for key in ("batch=6", "accumulate=2", "trainer.precision=bf16-mixed", "generator.checkpointing=true"):
        assert key in text


def test_advice_leaves_out_what_is_already_done():
    text = memory_advice(batch=1, accumulate=8, precision="bf16-mixed", checkpointing=True)
    first, rest = text.split("\n", 1)
    assert "bf16" in first
    assert "bf16" not in rest
    assert "generator.ngf=" in rest
