import os
from functools import partial

import pytest
import torch
import torch.distributed as dist
from commands import composed, load
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import multiprocessing

from semsynth.backbones import package
from semsynth.data.scenes.classes import CLASSES
from semsynth.data.scenes.dataset import Scenes
from semsynth.encoders.style import StyleEncoder
from semsynth.errors import EvaluationError
from semsynth.evaluation.validation import ValidationScores
from semsynth.generators.spade import SPADEGenerator
from semsynth.metrics.data_sets import DataSets
from semsynth.norms.clade import CLADE

SIZE = (32, 32)
CPU = torch.device("cpu")


def scenes():
    node = {"length": 99, "size": list(SIZE)}
    facts = {"name": "scenes", "classes": list(CLASSES), "num_classes": len(CLASSES), "unknown": None,
             "features": ["inception", "segmenter"],
             "train": {**node, "split": "train"}, "val": {**node, "split": "val"}}
    return DataSets(facts, lambda node: Scenes(**node))


def networks():
    torch.manual_seed(0)
    generator = SPADEGenerator(CLADE, len(CLASSES), size=SIZE, ngf=2, z_dim=3, init_gain=1.0)
    return generator, StyleEncoder(SIZE, z_dim=3, nef=2)


def scores_of(small, cache, count):
    scores = ValidationScores(small.protocol(count=count, style="image"), small.judge(list(CLASSES)), cache=cache,
                              wanted=["frechet", "miou", "accuracy"], splits=["val"])
    assert scores.prepare(scenes(), SIZE, CPU) == {}
    return scores


def test_the_same_networks_have_the_same_scores(small, tmp_path):
    scores = scores_of(small, tmp_path, 5)
    generator, encoder = networks()
    state = torch.get_rng_state()
    first = scores(generator, encoder)
    assert set(first) == {"frechet/small", "miou", "accuracy", "miou_rare"}
    assert scores(generator, encoder) == first
    assert torch.equal(torch.get_rng_state(), state)  # the training's chance is left alone
    with torch.no_grad():
        generator.conv_img.weight.mul_(-1)
    assert scores(generator, encoder) != first


def test_without_an_encoder_styles_are_drawn(small, tmp_path):
    generator, _ = networks()
    assert scores_of(small, tmp_path, 3)(generator, None)["miou"] >= 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_networks_of_another_precision_are_scored(small, tmp_path, dtype):
    calls = []
    generator, encoder = (network.to(dtype) for network in networks())
    scores = scores_of(small, tmp_path, 5)(generator, encoder, lambda: calls.append(1))
    assert scores["miou"] >= 0
    assert calls  # between its batches a signal may stop it


@pytest.mark.parametrize("installed", [True, False])
def test_camvid_has_frechet_kid_and_miou_offline(tmp_path, monkeypatch, installed):
    """What `dataset=camvid` logs without a network: by the configuration's own choice of scores."""
    if not installed:
        monkeypatch.setattr(package, "PACKAGE", "no_such_package_with_weights")
    load("tests/data/fixtures.py").make("camvid", tmp_path / "camvid")
    cfg = composed("train", "dataset=camvid", f"dataset.root={tmp_path}/camvid", "size=[32,64]", "icpe.enabled=false",
                   f"+scores.assess.cache={tmp_path}/cache")
    OmegaConf.resolve(cfg.dataset)
    scores = instantiate(cfg.scores.assess, _convert_="all")
    data = DataSets(OmegaConf.to_container(cfg.dataset), lambda node: instantiate(node, _convert_="all"))
    skipped = scores.prepare(data, (32, 64), CPU)
    reasons = list(dict.fromkeys(skipped.values()))
    generator = SPADEGenerator(CLADE, 12, size=(32, 64), ngf=2, init_gain=1.0)
    found = scores(generator, None)
    assert {key: found.get(key) is not None for key in ("miou", "accuracy")} == dict.fromkeys(
        ("miou", "accuracy"), installed)
    assert all("\n" not in reason for reason in reasons)
    if installed:
        name = "efficientnet_lite0_imagenet"
        assert {f"frechet/{name}", f"frechet/{name}/train", f"kid/{name}", "frechet/camvid_segmenter"} <= set(found)
        assert [reason.partition("null/")[2] for reason in reasons] == [
            "weights-inception-2015-12-05-6726825d.pth is missing, and cannot be downloaded (no network in tests): "
            "python tools/weights.py dataset=camvid"]
        monitored = [key.removeprefix("score/") for key in cfg.callbacks.checkpoints.monitor]
        assert next(key for key in monitored if key in found) == f"frechet/{name}/train"
    else:
        assert sum("pip install 'semsynth[imagenet]'" in reason for reason in reasons) == 2  # features, and the judge


def test_prepare_comes_first(small):
    with pytest.raises(EvaluationError, match="prepare"):
        ValidationScores(small.protocol())(*networks())


def work(rank, world, port, make, path):
    os.environ |= {"MASTER_ADDR": "localhost", "MASTER_PORT": str(port), "RANK": str(rank), "WORLD_SIZE": str(world)}
    dist.init_process_group("gloo")
    torch.set_num_threads(1)
    torch.save(make()(*networks()), f"{path}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.ddp
def test_two_processes_score_as_one(small, tmp_path):
    make = partial(scores_of, small, tmp_path, 5)
    alone = make()(*networks())
    context = multiprocessing.get_context("fork")
    port = 20000 + (os.getpid() + 7) % 20000
    processes = [context.Process(target=work, args=(rank, 2, port, make, tmp_path)) for rank in range(2)]
    for process in processes:
        process.start()
    for rank, process in enumerate(processes):
        process.join(120)
        assert process.exitcode == 0
        assert torch.load(tmp_path / f"{rank}.pt") == alone  # to the last digit
