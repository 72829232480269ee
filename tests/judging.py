"""A small judge, evaluators around it, and images as files: what tests of metrics and of evaluations share."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from semsynth.evaluation.evaluator import Evaluator
from semsynth.metrics.features import JudgeFeatures
from semsynth.metrics.protocol import Protocol
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


def make_evaluator(judge=None, protocol=None, **settings):
    judge = judge or make_judge()
    return Evaluator(protocol or make_protocol(), CLASSES, judge=judge, features=[JudgeFeatures(judge)],
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


def save_dinov2(path, patch=56):
    """A transformer of one block in DINOv2's layout, with random weights."""
    torch.manual_seed(0)
    shapes = {"cls_token": (1, 1, 64), "pos_embed": (1, 1 + (224 // patch) ** 2, 64), "mask_token": (1, 64),
              "patch_embed.proj.weight": (64, 3, patch, patch), "patch_embed.proj.bias": (64,), "norm.weight": (64,),
              "norm.bias": (64,), "blocks.0.norm1.weight": (64,), "blocks.0.norm1.bias": (64,),
              "blocks.0.norm2.weight": (64,), "blocks.0.norm2.bias": (64,), "blocks.0.attn.qkv.weight": (192, 64),
              "blocks.0.attn.qkv.bias": (192,), "blocks.0.attn.proj.weight": (64, 64), "blocks.0.attn.proj.bias": (64,),
              "blocks.0.mlp.fc1.weight": (8, 64), "blocks.0.mlp.fc1.bias": (8,), "blocks.0.mlp.fc2.weight": (64, 8),
              "blocks.0.mlp.fc2.bias": (64,), "blocks.0.ls1.gamma": (64,), "blocks.0.ls2.gamma": (64,)}
    torch.save({key: torch.randn(shape) * 0.1 for key, shape in shapes.items()}, path)
    return path


@pytest.fixture(scope="session")
def small() -> SimpleNamespace:
    return SimpleNamespace(judge=make_judge, protocol=make_protocol, evaluator=make_evaluator, batch=batch,
                           pairs=save_pairs, dinov2=save_dinov2, classes=CLASSES, colours=COLOURS)
