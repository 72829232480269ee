"""A small judge, evaluators around it, and images as files."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from semsynth.evaluation.evaluator import Evaluator
from semsynth.evaluation.features import JudgeFeatures
from semsynth.evaluation.protocol import Protocol
from semsynth.segmenters.judge import Judge
from semsynth.segmenters.unet import UNet

CLASSES = ["sky", "road", "car", "other"]
COLOURS = [[0, 0, 255], [90, 90, 90], [255, 0, 0], [0, 0, 0]]


def make_judge(classes=CLASSES, **settings):
    torch.manual_seed(3)
    return Judge(UNet(len(classes), widths=(4, 4, 6)), name="small", classes=classes, **settings)


def make_protocol(**settings):
    return Protocol("test", **({"count": None, "train_count": None, "kid_subsets": 3, "kid_subset_size": 4,
                                "diversity_maps": 2, "diversity_samples": 3} | settings))


def make_evaluator(judge=None, count=None, protocol=None, **settings):
    judge = judge or make_judge()
    return Evaluator(protocol or make_protocol(), CLASSES, judge=judge, features=[JudgeFeatures(judge)], count=count,
                     **settings)


def batch(count=10, size=16, seed=0):
    """Fakes, label maps and photographs."""
    chance = torch.Generator().manual_seed(seed)
    fake, real = (torch.rand(count, 3, size, size, generator=chance) * 2 - 1 for _ in range(2))
    return fake, torch.randint(0, len(CLASSES), (count, size, size), generator=chance), real


def save_pairs(root, count=4, size=(16, 16), label_size=None):
    """Folders images/ and labels/ of random PNG files below `root`."""
    rng = np.random.default_rng(0)
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for index in range(count):
        Image.fromarray(rng.integers(0, 256, (*size, 3)).astype(np.uint8)).save(root / "images" / f"{index:02d}.png")
        ids = rng.integers(0, len(CLASSES), label_size or size).astype(np.uint8)
        Image.fromarray(ids).save(root / "labels" / f"{index:02d}.png")
    return root / "images", root / "labels"


@pytest.fixture(scope="session")
def small() -> SimpleNamespace:
    return SimpleNamespace(judge=make_judge, protocol=make_protocol, evaluator=make_evaluator, batch=batch,
                           pairs=save_pairs, classes=CLASSES, colours=COLOURS)
