from functools import partial

import pytest
import torch
import torch.nn.functional as F
from pretended import in_processes
from torch import nn
from torch.utils.data import DataLoader

from semsynth.training.segmentation import SegmentationSystem
from semsynth.training.style_regression import StyleRegressionSystem
from semsynth.training.supervised import SupervisedSystem, warmup_cosine


class Auxiliary(nn.Module):
    """A pixel's colour as logits; twice that as auxiliary logits, at half the size."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.scale * x

    def supervised(self, x):
        return self.scale * x, 2 * x[..., ::2, ::2]


def system(network, **keys):
    return SegmentationSystem(network, lambda x: x, 3, partial(torch.optim.SGD, lr=0.1), **keys)


def test_the_rate_rises_and_falls():
    rates = [warmup_cosine(step, 100, 0.1) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == 1
    assert rates[55] == pytest.approx(0.5)
    assert rates[100] == pytest.approx(0, abs=1e-9)
    assert warmup_cosine(0, 1, 0.0) == 1


def test_the_loss_is_the_cross_entropy_of_counted_pixels():
    ours = system(nn.Identity(), ignore=2).eval()
    images, labels = torch.randn(2, 3, 4, 4), torch.randint(3, (2, 4, 4))
    counted = labels != 2
    expected = F.cross_entropy(images.movedim(1, -1)[counted], labels[counted])
    torch.testing.assert_close(ours.loss({"image": images, "labels": labels}), expected)


def test_auxiliary_logits_count_in_training_only():
    ours = system(Auxiliary(), auxiliary=0.5)
    batch = {"image": torch.randn(1, 3, 4, 4), "labels": torch.randint(3, (1, 4, 4))}
    main, other = (F.cross_entropy(F.interpolate(x, (4, 4), mode="bilinear"), batch["labels"])
                   for x in (batch["image"], 2 * batch["image"][..., ::2, ::2]))
    torch.testing.assert_close(ours.train().loss(batch), main + 0.5 * other)
    torch.testing.assert_close(ours.eval().loss(batch), main)


def test_balanced_classes_weigh_alike():
    ours = system(nn.Identity(), balance=1.0).train()
    labels = torch.zeros(1, 32, 32, dtype=torch.int64)
    labels[0, :4, :8] = 1  # 32 of 1024 pixels
    images = torch.zeros(1, 3, 32, 32)
    images[:, 0] = 1.0
    ours.loss({"image": images, "labels": labels})
    weights = (ours.counts.mean() / ours.counts)[:2]
    torch.testing.assert_close(weights[1] / weights[0], torch.tensor(993 / 33))


@pytest.mark.parametrize("keys", [{"ignore": 2}, {"balance": 0.5}, {"ignore": 2, "balance": 0.5}])
def test_processes_find_together_what_one_finds(monkeypatch, keys):
    """Though more pixels that count stand in one of them."""
    images, labels = torch.randn(2, 3, 4, 4), torch.randint(3, (2, 4, 4))
    labels[0, :3] = 2

    def loss(ours, part):
        return ours.loss({"image": images[part], "labels": labels[part]}).detach()

    one, *two = (system(nn.Identity(), **keys).train() for _ in range(3))
    parts = in_processes(monkeypatch, [partial(loss, each, slice(rank, None, 2)) for rank, each in enumerate(two)])
    torch.testing.assert_close(sum(parts) / 2, loss(one, slice(None)))


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_average_moves_once_for_each_step(tiny, tmp_path, accumulate):
    """However many batches a step is made of."""
    ours = system(nn.Conv2d(3, 3, 1), ema=0.5)
    trainer = tiny.trainer(tmp_path, max_epochs=1, limit_val_batches=0, accumulate_grad_batches=accumulate)
    trainer.fit(ours, DataLoader(tiny.pairs(8), 8 // 4 // accumulate))
    assert trainer.global_step == ours._average.updates == 4


def test_training_alone_changes_images():
    ours = system(nn.Identity(), photometric=nn.Threshold(9.0, 0.0))  # makes every picture black
    batch = {"image": torch.randn(1, 3, 4, 4), "labels": torch.randint(3, (1, 4, 4))}
    torch.testing.assert_close(ours.train().loss(batch), torch.tensor(3.0).log())
    assert not torch.isclose(ours.eval().loss(batch), torch.tensor(3.0).log())


def test_the_error_of_styles_is_squared():
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    ours = StyleRegressionSystem(network, torch.optim.SGD)
    images, style = torch.rand(4, 3, 8, 8), torch.rand(4, 3)
    expected = (images.mean((2, 3)) - style).square().mean()
    torch.testing.assert_close(ours.loss({"image": images, "style": style}), expected)


@pytest.mark.parametrize("keys", [{"balance": 2.0}, {"warmup": -1.0}, {"ema": 1.0}])
def test_faults_are_named(keys):
    with pytest.raises(ValueError, match=next(iter(keys))):
        system(nn.Identity(), **keys)


def test_a_system_needs_a_loss():
    with pytest.raises(TypeError, match="abstract"):
        SupervisedSystem(nn.Identity(), torch.optim.SGD)
