import pytest
import torch
from torch import nn
from torch.testing import assert_close

from semsynth.segmenters.errors import SegmenterError
from semsynth.segmenters.judge import Judge, save_judge
from semsynth.segmenters.loop import LoopSegmenter, pretrained, untrained
from semsynth.segmenters.preprocessing import Preprocessing
from semsynth.segmenters.unet import UNet

NAMES = ["unknown", "a", "b", "c"]
WIDTHS = (4, 8)


def test_an_untrained_segmenter_is_trained_and_ignores_unknown_pixels():
    loop = untrained(UNet(4, WIDTHS), NAMES, ignore=0)
    images = torch.rand(2, 3, 8, 12) * 2 - 1
    logits = loop(images)
    assert logits.shape == (2, 4, 8, 12)
    assert all(p.requires_grad for p in loop.parameters())
    assert loop.training
    assert_close(loop.probabilities(images).sum(1), torch.ones(2, 8, 12))
    assert loop.truth(torch.tensor([[[0, 1], [2, 3]]])).tolist() == [[[-1, 1], [2, 3]]]


def test_images_go_in_as_they_are():
    seen = []

    class Spy(nn.Module):
        def forward(self, x):
            seen.append(x)
            return x[:, :1].expand(-1, 4, -1, -1)

    images = torch.rand(1, 3, 4, 4) * 2 - 1
    untrained(Spy(), NAMES)(images)
    assert_close(seen[0], images)


def test_a_frozen_segmenter_passes_gradients_and_stays_as_it_is(tmp_path):
    path = tmp_path / "s.safetensors"
    network = UNet(4, WIDTHS)
    save_judge(path, network, {"num_classes": 4, "widths": list(WIDTHS)}, name="s", classes=NAMES, ignore=0,
               preprocessing=Preprocessing(mean=(0.4, 0.4, 0.4)), dtype=torch.float32)
    loop = pretrained(NAMES, path=path)
    loop.train()
    assert not loop.network.training
    images = (torch.rand(1, 3, 8, 8) * 2 - 1).requires_grad_()
    loop(images).sum().backward()
    assert images.grad.abs().sum() > 0
    assert all(p.grad is None for p in loop.parameters())
    # the same answer as the judge of that file
    judge = Judge(network.eval(), name="s", classes=NAMES, preprocessing=Preprocessing(mean=(0.4, 0.4, 0.4)))
    assert_close(loop(images), judge.logits(images))
    tuned = pretrained(NAMES, path=path, frozen=False)
    assert tuned.network.training
    assert all(p.requires_grad for p in tuned.parameters())


def test_channels_of_a_published_segmenter_become_label_ids():
    """As ADE20K's: channel c is raw id c + 1, id 0 is unknown and never an answer."""
    network = nn.Conv2d(3, 3, 1)
    judge = Judge(network, name="s", classes=NAMES, class_map=[1, 2, 3], ignore=0)
    loop = pretrained(NAMES, judge=judge)
    images = torch.rand(1, 3, 2, 2) * 2 - 1
    logits = loop(images)
    assert torch.isneginf(logits[:, 0]).all()
    assert_close(logits[:, 1:], network(images))
    assert loop.truth(torch.tensor([[[0, 3]]])).tolist() == [[[-1, 3]]]


def test_a_class_without_a_channel_is_not_asked_for():
    loop = LoopSegmenter(nn.Conv2d(3, 2, 1), classes=NAMES, class_map=[1, 3], ignore=0)
    assert loop.truth(torch.tensor([[[0, 1, 2, 3]]])).tolist() == [[[-1, 1, -1, 3]]]


def test_what_does_not_fit_is_named(tmp_path):
    with pytest.raises(SegmenterError, match=r"system\.segmenter\.path=FILE"):
        pretrained(NAMES)
    with pytest.raises(SegmenterError, match="there is no such segmenter file"):
        pretrained(NAMES, path=tmp_path / "none.safetensors")
    save_judge(tmp_path / "s.safetensors", UNet(2, WIDTHS), {"num_classes": 2, "widths": list(WIDTHS)}, name="s",
               classes=["x", "y"])
    with pytest.raises(SegmenterError, match="4 classes|2 classes"):
        pretrained(NAMES, path=tmp_path / "s.safetensors")
    with pytest.raises(SegmenterError, match="answers with 3 channels for 4 classes"):
        untrained(nn.Conv2d(3, 3, 1), NAMES)(torch.zeros(1, 3, 2, 2))
