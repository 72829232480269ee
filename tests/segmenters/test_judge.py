"""What a judge answers, and which images it refuses."""

import pytest
import torch
from echoing import CLASSES, judge
from torch import nn

from semsynth.errors import SegmenterError
from semsynth.segmenters.judge import load_judge, shipped
from semsynth.segmenters.network_file import read_about
from semsynth.segmenters.preprocessing import Preprocessing


def test_logits_of_a_coarse_network_are_resized_to_the_size():
    ours, _ = judge(stride=4)
    images = torch.rand(1, 3, 16, 16)
    expected = nn.functional.interpolate(images[..., ::4, ::4], (16, 16), mode="bilinear", align_corners=False)
    torch.testing.assert_close(ours.logits(images), expected)
    assert ours.logits(images, (8, 24)).shape == (1, 3, 8, 24)


def test_probabilities_of_scales_are_averaged():
    ours, network = judge(preprocessing=Preprocessing(scales=[1.0, 0.5]))
    images = torch.rand(1, 3, 8, 8)
    answer = ours.logits(images)
    whole, half = network.seen
    half = nn.functional.interpolate(half, (8, 8), mode="bilinear", align_corners=False)
    torch.testing.assert_close(answer.exp(), (whole.softmax(1) + half.softmax(1)) / 2)


def test_the_maximum_is_taken_at_the_first_scale():
    ours, network = judge(stride=2, preprocessing=Preprocessing(scales=[1.0, 0.5], merge="max"))
    answer = ours.logits(torch.rand(1, 3, 16, 16))
    whole, half = (x[..., ::2, ::2] for x in network.seen)
    half = nn.functional.interpolate(half, (8, 8), mode="bilinear", align_corners=False)
    expected = nn.functional.interpolate(torch.maximum(whole, half), (16, 16), mode="bilinear", align_corners=False)
    torch.testing.assert_close(answer, expected)


def test_channels_are_mapped_to_classes():
    ours, _ = judge(classes=["a", "b", "c", "void"], class_map=[2, 0, 2], ignore=3)
    images = torch.rand(1, 3, 4, 4)
    answer = ours.logits(images)
    assert torch.isneginf(answer[:, [1, 3]]).all()
    torch.testing.assert_close(answer[:, 0], images[:, 1])
    torch.testing.assert_close(answer[:, 2].exp(), images[:, 0].exp() + images[:, 2].exp())
    assert ours.judged == [0, 2]


def test_it_stays_frozen_and_lets_gradients_through_to_images():
    ours, _ = judge()
    nn.ModuleList([ours]).train()
    assert not ours.training
    assert not any(p.requires_grad for p in ours.parameters())
    images = torch.rand(1, 3, 4, 4, requires_grad=True)
    ours.logits(images).sum().backward()
    assert images.grad.abs().sum() > 0


def test_autocast_changes_nothing(saved):
    ours = load_judge(saved[0])
    images = torch.rand(2, 3, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        answer, features = ours.logits(images), ours.features(images)
    assert torch.equal(answer, ours.logits(images))
    assert torch.equal(features, ours.features(images))
    assert features.shape == (2, 6)
    assert features.dtype == torch.float32


@pytest.mark.parametrize(("images", "message"), [
    (torch.zeros(3, 8, 8), r"\(N,3,H,W\), got \(3, 8, 8\)"),
    (torch.zeros(1, 1, 8, 8), r"\(N,3,H,W\)"),
    (torch.stack([torch.zeros(3, 8, 8), torch.full((3, 8, 8), torch.nan)]), r"images \[1\] of the batch have NaN"),
    (torch.zeros(1, 3, 1, 8), r"8x1 \(width x height\) are too small for UNet, which needs sides of 2"),
])
def test_images_that_cannot_be_judged(saved, images, message):
    ours = load_judge(saved[0])
    for ask in (ours.logits, ours.features):
        with pytest.raises(SegmenterError, match=message):
            ask(images)


def test_classes_that_differ(saved):
    ours = load_judge(saved[0])
    ours.check_classes(CLASSES)
    with pytest.raises(SegmenterError, match=r"x\.safetensors has other(.|\n)*1: 'road', the data set has 'sea'"):
        ours.check_classes(["sky", "sea", "car"])
    with pytest.raises(SegmenterError, match="3 classes, the data set has 2"):
        ours.check_classes(CLASSES[:2])
    with pytest.raises(SegmenterError, match="answers with 3 channels for 2 classes"):
        judge(classes=["a", "b"])[0].logits(torch.zeros(1, 3, 4, 4))
    with pytest.raises(ValueError, match="class_map: 5 is no class"):
        judge(class_map=[0, 1, 5])
    with pytest.raises(ValueError, match="ignore=3"):
        judge(ignore=3)


def test_the_shipped_one_is_small_and_good():
    path = shipped("scenes")
    assert path.stat().st_size < 2 * 2**20
    about = read_about(path)
    assert about["scores"]["miou"] >= 0.90
    assert min(about["scores"]["iou"].values()) >= 0.75
    assert about["command"].startswith("python tools/train_segmenter.py")
    assert load_judge(path).name == "scenes_segmenter"
    with pytest.raises(SegmenterError, match=r"no segmenter moon comes with the package \(there are: camvid, scenes\)"):
        shipped("moon")


def test_the_shipped_one_segments_held_out_scenes():
    from semsynth.data.scenes.dataset import Scenes
    from semsynth.evaluation.segmenter_report import score_real

    scenes = Scenes(24, 64, "val")
    ours = load_judge(shipped())
    batch = {key: torch.stack([scenes[i][key] for i in range(24)]) for key in ("image", "labels")}
    scores = score_real(ours, [batch])
    assert scores.miou > 0.85
    assert scores.accuracy > 0.93
