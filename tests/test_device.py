import pytest
import torch

from semsynth.device import chosen_device
from semsynth.errors import ConfigError


@pytest.mark.parametrize(("cuda", "wish", "device"), [
    (False, "auto", "cpu"), (True, "auto", "cuda"), (True, "cpu", "cpu"), (True, "cuda:1", "cuda:1"),
    (False, torch.device("cpu"), "cpu")])
def test_what_is_chosen(cuda, wish, device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    assert chosen_device(wish) == torch.device(device)


@pytest.mark.parametrize(("wish", "words"), [
    ("tpu", "device=tpu must be auto, cpu or cuda"), ("cuda", "device=cuda: PyTorch finds no CUDA device here; take"),
    ("cuda:1", "device=cuda:1: PyTorch finds no CUDA")])
def test_what_is_not_there_is_named(wish, words, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=words):
        chosen_device(wish)
