"""The head on EfficientNet-Lite0, and the judge of CamVid that stands on it."""

import os
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from semsynth.backbones import package
from semsynth.errors import SegmenterError
from semsynth.segmenters.efficientnet_lite0 import EfficientNetLite0Segmenter
from semsynth.segmenters.judge import NoJudge, load_judge, own_judge, save_judge, shipped
from semsynth.segmenters.loop import pretrained

ARGUMENTS = {"num_classes": 3, "width": 8, "dropout": 0.0}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("judges") / "head.safetensors"
    save_judge(path, EfficientNetLite0Segmenter(**ARGUMENTS), ARGUMENTS, name="head", classes=["a", "b", "c"],
               dtype=torch.float32)
    return path


def uninstall(monkeypatch):
    monkeypatch.setattr(package, "PACKAGE", "no_such_package_with_weights")


@pytest.mark.parametrize("size", [(64, 96), (33, 47)])
def test_shapes(size):
    network = EfficientNetLite0Segmenter(5, width=6).eval()
    images = torch.rand(2, 3, *size) * 2 - 1
    assert network(images).shape == (2, 5, -(-size[0] // 4), -(-size[1] // 4))
    assert network.features(images).shape == (2, 6, -(-size[0] // 16), -(-size[1] // 16))


def test_the_head_alone_is_trained():
    network = EfficientNetLite0Segmenter(**ARGUMENTS).train()
    assert not any(key.startswith("_frozen") for key in network.state_dict())
    assert sum(p.numel() for p in network.parameters()) < 50_000
    before = network._frozen[0].maps(torch.ones(1, 3, 32, 32))[-1]
    network(torch.rand(2, 3, 64, 64)).sum().backward()
    assert all(p.grad is not None for p in network.parameters())
    assert_close(network._frozen[0].maps(torch.ones(1, 3, 32, 32))[-1], before, rtol=0, atol=0)  # no statistics moved
    assert network.double()._frozen[0].classifier.weight.dtype == torch.float64


def test_a_judges_file_holds_the_head_and_names_the_rest(file):
    judge = load_judge(file)
    assert file.stat().st_size < 200_000
    images = torch.rand(1, 3, 40, 40) * 2 - 1
    torch.manual_seed(0)
    assert_close(judge.network(images), EfficientNetLite0Segmenter(**ARGUMENTS).eval()(images))
    about = judge.description()
    assert about["backbone"]["name"] == "efficientnet_lite0_imagenet"
    assert about["backbone"]["sha256"].startswith("57934424")


def test_in_the_loop_gradients_pass_to_the_images(file):
    segmenter = pretrained(["a", "b", "c"], path=file)
    images = torch.rand(2, 3, 64, 64, requires_grad=True)
    segmenter(images).sum().backward()
    assert images.grad.abs().sum() > 0
    assert not any(p.requires_grad for p in segmenter.parameters())
    with torch.device("meta"):  # as a configuration is checked
        assert EfficientNetLite0Segmenter(**ARGUMENTS)(torch.zeros(2, 3, 64, 64)).shape == (2, 3, 16, 16)


def test_without_the_package(file, monkeypatch):
    uninstall(monkeypatch)
    with pytest.raises(SegmenterError, match=r"segmenter head cannot be built: .*pip install 'semsynth\[imagenet\]'"):
        load_judge(file)
    missing = own_judge("camvid")
    assert isinstance(missing, NoJudge)
    assert "pip install 'semsynth[imagenet]'" in missing.reason
    assert "\n" not in missing.reason
    with pytest.raises(SegmenterError, match=r"semsynth\[imagenet\]"):
        pretrained(["a"], judge=missing)
    assert own_judge("scenes").num_classes == 12  # needs no backbone


def test_wrong_settings():
    for settings, message in (({"num_classes": 0}, "num_classes must be >= 1"), ({"width": 0}, "width must be >= 1"),
                              ({"dropout": 1.0}, r"dropout must be in \[0,1\)")):
        with pytest.raises(ValueError, match=message):
            EfficientNetLite0Segmenter(**(ARGUMENTS | settings))


def test_the_judge_of_camvid():
    path = shipped("camvid")
    assert path.stat().st_size < 2 * 2**20
    judge = own_judge("camvid")
    assert judge.judged == list(range(11))
    assert judge.about["scores"]["miou"] >= 0.618


def camvid():
    return Path(os.environ.get("SEMSYNTH_DATA", "data"), "camvid")


@pytest.mark.skipif(not camvid().is_dir(), reason="no CamVid here")
def test_the_judge_of_camvid_on_some_validation_pictures():
    """An eighth of the validation split at 96x128: no surprise between the file, its backbone and the preprocessing."""
    from semsynth.data.camvid import CamVid
    from semsynth.data.paired import PairedDataset
    from semsynth.evaluation.segmenter_report import score_real

    data = PairedDataset(CamVid(str(camvid()), "val"), num_classes=12, size=(96, 128), unknown=11, preprocess="fixed",
                         load_ratio=1.0, random=False, flip=False)
    samples = [data[index] for index in range(0, len(data), 8)]
    batches = [{key: torch.stack([s[key] for s in samples]) for key in ("image", "labels")}]
    scores = score_real(own_judge("camvid"), batches)
    assert scores.accuracy > 0.85
