import pytest
import torch

from semsynth.matmul import chosen, matmul_precision


@pytest.mark.parametrize(("matmul", "device", "expected"), [
    ("auto", "cuda", "high"), ("auto", "cpu", "highest"), ("auto", "mps", "highest"), ("medium", "cpu", "medium"),
    ("highest", "cuda", "highest")])
def test_the_device_chooses(matmul, device, expected):
    assert chosen(matmul, device) == expected


def test_unknown_ones_are_refused():
    with pytest.raises(ValueError, match="matmul=fast: take one of auto, highest"):
        chosen("fast", "cpu")


def test_it_is_restored_also_after_a_fault():
    before = torch.get_float32_matmul_precision()
    with matmul_precision("medium"):
        assert torch.get_float32_matmul_precision() == "medium"
    assert torch.get_float32_matmul_precision() == before
    with pytest.raises(KeyError), matmul_precision("high"):
        raise KeyError
    assert torch.get_float32_matmul_precision() == before
