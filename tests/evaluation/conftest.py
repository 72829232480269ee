"""Fixtures of judges and images, which metrics and evaluations are tested with."""

import pytest
import torch
from commands import composed
from judging import small  # noqa: F401

from semsynth.commands import evaluate as command
from semsynth.segmenters.judge import save_judge
from semsynth.segmenters.unet import UNet


@pytest.fixture(scope="module")
def evaluate():
    return lambda *overrides: command.evaluate(composed("evaluate", *overrides))


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path):
    """No cache of the user's."""
    monkeypatch.setenv("SEMSYNTH_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    path = tmp_path_factory.mktemp("judges") / "scenes.safetensors"
    torch.manual_seed(2)
    classes = list(composed("train").dataset.classes)
    arguments = {"num_classes": len(classes), "widths": [4, 6]}
    save_judge(path, UNet(**arguments), arguments, name="tiny", classes=classes)
    return path
