import pytest
import torch
from echoing import CLASSES

from semsynth.segmenters.judge import save_judge
from semsynth.segmenters.unet import UNet


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(1)
    network = UNet(3, (4, 6)).eval()
    path = tmp_path / "x.safetensors"
    save_judge(path, network, {"num_classes": 3, "widths": [4, 6]}, name="x", classes=CLASSES, ignore=2,
               class_map=[0, 1, None], dataset="test", scores={"miou": 0.5})
    return path, network
