"""What is named after the papers or their released code composes to what they did."""

import pytest
import torch
from commands import ROOT, training
from hydra.utils import instantiate

from semsynth import config
from semsynth.complexity.weights import random_vgg
from semsynth.errors import ConfigError
from semsynth.segmenters.ppm import PPMNet
from semsynth.segmenters.resnet import DeepStemResNet

PUBLISHED_ICPE = sorted(path.stem for path in (ROOT / "experiments").glob("clade_icpe_*.yaml"))


def released(*overrides):
    return training("experiments=unpaired_as_released", "run_dir=x", "logger=csv", *overrides)


@pytest.mark.parametrize("pretrained", [False, True])
def test_unpaired_as_released(pretrained, tmp_path):
    """One experiment is the release, with both of its segmenters."""
    vgg = random_vgg(tmp_path / "vgg19.pth")
    if pretrained:
        network = PPMNet(150)
        for half in ("encoder", "decoder"):
            torch.save(getattr(network, half).state_dict(), tmp_path / f"{half}_epoch_20.pth")
        of_s = ["in_loop@system.segmenter=pretrained_as_released", f"system.segmenter.judge.weights={tmp_path}"]
    else:
        torch.save(DeepStemResNet(18).state_dict(), tmp_path / "resnet18.pth")
        of_s = [f"system.segmenter.network.encoder_weights={tmp_path}/resnet18.pth"]
    cfg = config.prepare(released(*of_s, f"loss.generator.perceptual.weights={vgg}", "batch=2", "size=64"))
    assert (cfg.dataset.name, cfg.dataset.unpaired, cfg.epochs, cfg.decay_epochs) == ("ade20k", "as_released", 50, 0)
    assert cfg.system.real_statistics
    assert set(cfg.loss.generator) == {"adversarial", "feature_matching", "perceptual", "kl", "segmentation"}
    assert not cfg.discriminator.conditional
    segmenter = instantiate(cfg.system.segmenter, _convert_="all")
    assert isinstance(segmenter.network, PPMNet)
    assert {m.momentum for m in segmenter.modules() if isinstance(m, torch.nn.BatchNorm2d)} == {0.001}
    assert segmenter.training
    assert not segmenter.frozen
    assert segmenter.class_map == [*range(1, 150), 0]
    assert segmenter.answered.tolist() == [True] * 150 + [False]
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    torch.testing.assert_close(segmenter.preprocessing(images), images)


def test_unpaired_as_released_says_how_to_do_without_what_it_lacks():
    with pytest.raises(ConfigError, match=r"resnet18-imagenet\.pth.*network\.encoder_weights=null"):
        config.prepare(released("loss=unpaired_as_released_no_vgg"))
    config.prepare(released("loss=unpaired_as_released_no_vgg", "system.segmenter.network.encoder_weights=null"))


ICPE = {"default": ("every", False, True), "paper": ("largest", False, True), "released": ("every", True, False)}


@pytest.mark.parametrize("choice", ICPE)
def test_three_kinds_of_positional_encoding(choice):
    """Also where it is read by other means than CLADE-ICPE's."""
    for norm in ("norm=clade_icpe", "norm=clade_distf", "generator.fc_offsets=true"):
        cfg = config.prepare(training(norm, f"icpe={choice}", "run_dir=x", "logger=csv"))
        assert cfg.icpe.enabled
        assert (cfg.icpe.components, cfg.icpe.published, cfg.icpe.zero_start) == ICPE[choice]
        assert cfg.norm.get("zero_start", cfg.icpe.zero_start) == cfg.icpe.zero_start


@pytest.mark.parametrize("override", [*(f"experiments={name}" for name in PUBLISHED_ICPE), "ablation=disti",
                                      "ablation=distf"])
def test_what_is_published_has_the_released_offsets(override):
    cfg = config.finalize(training(override, "run_dir=x"))
    assert (cfg.icpe.enabled, cfg.icpe.published, cfg.icpe.zero_start) == (True, True, False)
