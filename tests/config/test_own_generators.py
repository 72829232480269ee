"""Generators that are methods of their own: published settings take a step; small runs resume, draw, are scored."""

import json
import os
import signal

import pytest
import pytorch_lightning as pl
import torch
from commands import SMALL, composed, training
from omegaconf import OmegaConf

from semsynth import Synthesizer, config, runs
from semsynth.commands.evaluate import score
from semsynth.complexity.weights import random_vgg
from semsynth.errors import TrainingStopped
from semsynth.runs import training as trainings
from semsynth.training import launch

NARROW = {
    "cc_fpse": [*SMALL, "generator.hidden=8", "generator.pyramid=4", "encoder.nef=4", "encoder.z_dim=4"],
    "dagan": [*SMALL, "norm.hidden=8"],
    "oasis": [*SMALL, "norm.hidden=8"],
    "pix2pixhd": [*SMALL, "generator.blocks=1"],
    "crn": [*SMALL[:1], *SMALL[2:]],
    "inade": [*SMALL, "encoder.nef=2", "generator.start=8", "generator.noise=4"],
    "groupdnet": [*SMALL, "generator.ngf=3", "encoder.class_width=2", "norm.hidden=8"],
}
OF_EXPERIMENT = {  # narrower, as far as the classes divide the channels
    "groupdnet_ade20k": ["generator.ngf=4", "generator.groups=[151,1,1,1,1,1,1]"],
    "groupdnet_cityscapes": ["generator.ngf=70"], "groupdnet_celebamask_hq": ["generator.ngf=38"],
    "groupdnet_deepfashion": ["generator.ngf=8"],
    "pix2pixhd_cityscapes_1024p": ["init_from=elsewhere"],  # weights are taken where a run is started
}
PUBLISHED = [
    "cc_fpse_ade20k", "cc_fpse_cityscapes", "cc_fpse_coco_stuff", "dagan_ade20k", "dagan_cityscapes", "oasis_ade20k",
    "oasis_cityscapes", "oasis_coco_stuff", "pix2pixhd_ade20k", "pix2pixhd_cityscapes", "pix2pixhd_cityscapes_512p",
    "pix2pixhd_cityscapes_1024p", "pix2pixhd_coco_stuff", "crn_cityscapes", "groupdnet_ade20k", "groupdnet_cityscapes",
    "groupdnet_celebamask_hq", "groupdnet_deepfashion", "inade_ade20k", "inade_cityscapes", "inade_celebamask_hq",
    "inade_deepfashion",
]
NAMES = {"cc_fpse": "CC-FPSE", "dagan": "DAGAN", "oasis": "OASIS", "pix2pixhd": "pix2pixHD", "crn": "CRN",
         "groupdnet": "GroupDNet", "inade": "INADE"}


@pytest.fixture(scope="module")
def vgg(tmp_path_factory):
    return random_vgg(tmp_path_factory.mktemp("weights") / "vgg19.pth")


def method_of(experiment):
    return next(method for method in NARROW if experiment.startswith(method))


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_settings_take_a_step(name, data_root, inade_root, vgg, tmp_path, monkeypatch):
    monkeypatch.setenv("SEMSYNTH_DATA", str(inade_root if name == "inade_deepfashion" else data_root))
    size = "size=[64,128]" if "cityscapes" in name else "size=64"
    term = {"oasis": "", "crn": "regression"}.get(method_of(name), "perceptual")
    weights = [f"loss.generator.{term}.weights={vgg}"] if term else []
    cfg = config.prepare(training(f"experiments={name}", *NARROW[method_of(name)], *OF_EXPERIMENT.get(name, []),
                                  size, "trainer=smoke", "scores=none",
                                  "epochs=1", "decay_epochs=0", *weights, "callbacks.checkpoints=null",
                                  f"run_dir={tmp_path}"))
    cfg.trainer.limit_train_batches = cfg.trainer.limit_val_batches = 1
    trainer, system, data = runs.build(cfg)
    before = {name: p.detach().clone() for name, p in system.named_parameters()}
    launch.fit(trainer, system, data, None)
    still = [name for name, p in system.named_parameters() if torch.equal(before[name], p)]
    assert trainer.global_step == len(trainer.optimizers)
    held = ".trunk." if name.endswith("1024p") else ".unread."
    assert not [name for name in still if held not in name and not name.endswith(".bias")]


class Interrupt(pl.Callback):
    """Sends this process a signal after the first batch."""

    def on_train_batch_end(self, trainer, *_):
        if trainer.global_step == 2:
            os.kill(os.getpid(), signal.SIGUSR1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """trained(method) -> the configuration's words, and a run of two epochs."""
    known = {}

    def make(method):
        if method not in known:
            words = [f"experiments={method}_scenes", *NARROW[method], "epochs=2", "decay_epochs=1",
                     "dataset.train_length=4", "dataset.val_length=2", "scores=none", "threads=1"]
            run = tmp_path_factory.mktemp(method) / "whole"
            trainings.train(config.prepare(training(*words, f"run_dir={run}")), None)
            known[method] = words, run
        return known[method]

    return make


@pytest.mark.parametrize("method", NARROW)
def test_a_run_that_is_stopped_goes_on_as_if_it_were_not(method, trained, tmp_path, monkeypatch):
    words, whole = trained(method)
    with monkeypatch.context() as patch:
        def build(cfg, _build=trainings.build):
            trainer, system, data = _build(cfg)
            trainer.callbacks.insert(0, Interrupt())
            return trainer, system, data

        patch.setattr(trainings, "build", build)
        with pytest.raises((TrainingStopped, SystemExit)):
            trainings.train(config.prepare(training(*words, f"run_dir={tmp_path}/part")), None)
    assert runs.resume_training([f"resume={tmp_path}/part"])
    states = [torch.load(path / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
              for path in (whole, tmp_path / "part")]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


@pytest.mark.parametrize("method", NARROW)
def test_it_draws_and_reports_under_its_own_name(method, trained):
    from semsynth.reporting.setting import setting_name

    _, run = trained(method)
    synthesizer = Synthesizer.from_run(run)
    labels = torch.randint(12, (2, 8, 8)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    instances = labels if synthesizer.reads_instances else None
    images = synthesizer(labels, instances, seed=3)
    assert images.shape == (2, 3, 64, 64)
    assert torch.equal(images, synthesizer(labels, instances, seed=3))
    kept = runs.Run(run)
    name = setting_name(OmegaConf.to_container(kept.config, resolve=True))
    assert name.partition(" ngf=")[0] == NAMES[method]


@pytest.mark.parametrize("method", NARROW)
def test_it_is_scored(method, trained):
    _, run = trained(method)
    score(composed("evaluate", f"run={run}", "device=cpu", "threads=1", "protocol=scenes", "segmenter=scenes",
                   "batch=2", *(["protocol.style=normal"] if method == "oasis" else [])))
    assert 0 <= json.loads((run / "scores.json").read_text())["scores"]["miou"] <= 1
