"""Settings of SEAN: the published ones take a step, and an encoder of classes needs a norm that reads them."""

import pytest
import torch
from commands import SMALL, training

from semsynth import config, runs
from semsynth.complexity.weights import random_vgg
from semsynth.errors import ConfigError
from semsynth.training import launch


@pytest.mark.parametrize("method", ["sean", "sean_clade"])
def test_published_settings_take_a_step(method, data_root, tmp_path, monkeypatch):
    monkeypatch.setenv("SEMSYNTH_DATA", str(data_root))
    cfg = config.prepare(training(f"experiments={method}_cityscapes", *SMALL, "size=[64,128]", "trainer=smoke",
                                  "scores=none", "epochs=1", "decay_epochs=0", "encoder.codes=4", "encoder.nef=2",
                                  f"loss.generator.perceptual.weights={random_vgg(tmp_path / 'vgg.pth')}",
                                  "callbacks.checkpoints=null", f"run_dir={tmp_path / 'run'}"))
    cfg.trainer.limit_train_batches = cfg.trainer.limit_val_batches = 1
    trainer, system, data = runs.build(cfg)
    before = {name: p.detach().clone() for name, p in system.named_parameters()}
    launch.fit(trainer, system, data, None)
    still = {name for name, p in system.named_parameters() if torch.equal(before[name], p)}
    unread = {name for name in still if ".blend_" in name and ".up_3." in name}
    assert len(unread) == 6
    # biases before a normalisation, and the rows of classes that the pictures lack
    assert not [name for name in still - unread if not name.endswith(".bias") and ".labels." not in name]


def test_an_encoder_of_classes_needs_a_norm_that_reads_them(tmp_path):
    with pytest.raises(ConfigError, match="no norm reads a style for each class"):
        config.prepare(training("encoder=regions", "norm=clade", "generator=oasis", *SMALL, f"run_dir={tmp_path}"))
    with pytest.raises(ConfigError, match="encoder.codes=5, but no norm"):
        config.prepare(training("experiments=sean_scenes", *SMALL, "encoder.codes=5", "norm.low.codes=4",
                                f"run_dir={tmp_path}"))
