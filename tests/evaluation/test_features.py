import sys
from contextlib import redirect_stdout

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.evaluation.errors import EvaluationError
from semsynth.evaluation.features import InceptionFeatures, JudgeFeatures


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


def test_a_download_that_fails_says_what_to_give(weights, monkeypatch, tmp_path):
    from urllib.error import URLError

    def fails(*args, **kwargs):
        raise URLError("no route")

    monkeypatch.setattr(torch.hub, "urlopen", fails)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(EvaluationError, match=r"cannot be downloaded \(no route\): give inception\.weights=FILE"):
        InceptionFeatures()


def test_judge_features(small):
    judge = small.judge()
    images = torch.rand(3, 3, 16, 16) * 2 - 1
    net = JudgeFeatures(judge)
    assert_close(net(images), judge.features(images))
    assert net.description() == judge.description()
    assert net.name == "small"
