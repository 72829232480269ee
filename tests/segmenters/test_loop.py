from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close
from torchvision.models import resnet18

from semsynth.errors import SegmenterError
from semsynth.losses.inputs import Segmentation
from semsynth.losses.segmentation import SegmentationLoss
from semsynth.segmenters.class_maps import CLASS_MAPS
from semsynth.segmenters.judge import Judge, save_judge
from semsynth.segmenters.loop import LoopSegmenter, pretrained, untrained
from semsynth.segmenters.ppm import PPMNet
from semsynth.segmenters.preprocessing import Preprocessing
from semsynth.segmenters.resnet import DeepStemResNet
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


# ---- as released


class Pixelwise(nn.Module):
    """A network of one linear layer on colours."""

    def __init__(self, channels):
        super().__init__()
        self.layer = nn.Conv2d(3, channels, 1)

    def forward(self, x):
        return 9 * self.layer(x)


def test_ade20k_as_released():
    """The loss of the released code, written out: channels turned by one, id 150 ignored, id 0 one of 150 classes."""
    classes, network = CLASS_MAPS["ade20k"].classes, Pixelwise(150)
    loop = untrained(network, classes, ignore=0, labels="ade20k_turned")
    images, labels = torch.rand(2, 3, 16, 16) * 2 - 1, torch.randint(0, 151, (2, 16, 16))
    labels[0, :4] = 0
    labels[1, :4] = 150
    log_p = network(images).softmax(1).roll(1, 1).log()
    counts = F.one_hot(labels, 151)[..., :-1].sum((0, 1, 2)) + 1
    alpha = ((1 - 0.99) / (1 - 0.99 ** counts.double())).float()
    expected = F.nll_loss(log_p, labels, weight=alpha, ignore_index=150)
    step = SimpleNamespace(segmentation=Segmentation(loop(images), loop.truth(labels)))
    assert_close(SegmentationLoss(focal=False)(step), expected)
    assert (loop.truth(labels) == -1).equal(labels == 150)
    # ours asks nothing where the label is unknown, and has a channel for that class
    ours = untrained(Pixelwise(151), classes, ignore=0)
    assert (ours.truth(labels) == -1).equal(labels == 0)


def test_a_class_map_of_other_classes_is_refused():
    with pytest.raises(SegmenterError, match=r"labels=ade20k_turned is no class map of this data set: leave it null$"):
        untrained(Pixelwise(150), NAMES, labels="ade20k_turned")
    with pytest.raises(SegmenterError, match=r"labels=ade is no class map.*or take ade20k, ade20k_turned"):
        untrained(Pixelwise(150), CLASS_MAPS["ade20k"].classes, labels="ade")


def test_the_momentum_of_batch_norms():
    def momenta(loop):
        return {module.momentum for module in loop.modules() if isinstance(module, nn.BatchNorm2d)}

    assert momenta(untrained(UNet(4, WIDTHS), NAMES)) == {0.1}
    assert momenta(untrained(UNet(4, WIDTHS), NAMES, momentum=0.001)) == {0.001}
    with pytest.raises(ValueError, match=r"momentum must be null or in \(0, 1\], got 0"):
        untrained(UNet(4, WIDTHS), NAMES, momentum=0)


def test_an_encoder_from_imagenet(tmp_path):
    path, classifier = tmp_path / "resnet18-imagenet.pth", DeepStemResNet(18)
    torch.save({**classifier.state_dict(), "fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}, path)
    network = PPMNet(4, encoder_weights=path)
    for key, value in classifier.state_dict().items():
        assert torch.equal(network.encoder.state_dict()[key], value), key
    assert network.encoder.layer4[1].conv2.dilation == (4, 4)
    with pytest.raises(SegmenterError, match=r"nowhere\.pth: there is no such file.*resnet18-imagenet.*encoder_weights"
                                             r"=null"):
        PPMNet(4, encoder_weights=tmp_path / "nowhere.pth")
    torch.save(resnet18().state_dict(), path)
    with pytest.raises(SegmenterError, match="does not fit DeepStemResNet"):
        PPMNet(4, encoder_weights=path)
