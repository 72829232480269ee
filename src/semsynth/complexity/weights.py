"""Random weights where a network's trained ones do not matter: cost does not depend on their values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torchvision.models.vgg import cfgs, make_layers

from semsynth.signatures import targets


def give_random_vgg(config: dict[str, Any], folder: Path) -> None:
    """Let the perceptual losses of a configuration, in plain values, take an untrained VGG-19, in place."""
    for _, node in targets(config["system"]):
        if node["_target_"] == "semsynth.losses.perceptual.Perceptual":
            node["weights"] = str(random_vgg(folder / "vgg19.pth"))


def random_vgg(path: Path) -> Path:
    """Write an untrained VGG-19 in torchvision's layout for the perceptual loss; return the path."""
    with torch.device("meta"):
        features = make_layers(cfgs["E"])
    state = {f"features.{name}": torch.randn(value.shape) * 0.01 for name, value in features.state_dict().items()}
    torch.save(state, path)
    return path
