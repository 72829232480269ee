from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE, CLADE_ICPE
from semsynth.norms.spade import SPADE
from semsynth.papers.trained import Trained
from semsynth.reporting.collect import Run
from semsynth.semantics.icpe import icpe_offsets
from semsynth.style import Style

CLASSES = ["sky", "grass", "road", "house", "car"]
COLOURS = [[0, 0, 255], [0, 255, 0], [90, 90, 90], [200, 50, 50], [255, 0, 255]]
NORMS = {"spade": partial(SPADE, hidden=8), "clade": CLADE, "clade_icpe": partial(CLADE_ICPE, zero_start=False)}


def street(shift=0, size=32):
    """Sky above grass, a house of 10x8 pixels and a car of 6x3."""
    labels = np.zeros((size, size), np.int64)
    labels[size // 2:] = 1
    labels[8:18, 4 + shift:12 + shift] = 3
    labels[24:27, 20:26] = 4
    return labels


@pytest.fixture
def trained():
    """Makes a narrow network of a norm at random weights with a split of six streets, as if a run had been opened."""
    def make(norm="spade", z_dim=0):
        torch.manual_seed(1)
        generator = SPADEGenerator(NORMS[norm], 5, size=(32, 32), ngf=2, z_dim=z_dim, init_gain=1.0).eval()
        for name, value in generator.named_parameters():
            if name.endswith(".beta"):
                torch.nn.init.normal_(value)
        split = [{"image": torch.rand(3, 32, 32) * 2 - 1, "labels": torch.from_numpy(labels),
                  "offsets": torch.from_numpy(icpe_offsets(labels))} for labels in map(street, range(6))]
        config = {"dataset": {"name": "streets", "classes": CLASSES, "colours": COLOURS},
                  "icpe": {"published": False, "components": "every"}}
        def encode(images, semantics=None):
            return Style(vector=images.mean((2, 3))[:, :1].expand(-1, z_dim))

        encoder = SimpleNamespace(encode=encode) if z_dim else None
        return Trained(Run(Path("runs") / norm, config, None, None, None), generator.requires_grad_(False), encoder,
                       split)
    return make
