"""Runs of SEAN: they go on exactly where they stopped, draw and are scored."""

import json

import pytest
import torch
from commands import SMALL, composed, training
from omegaconf import OmegaConf

from semsynth import Synthesizer, config, runs
from semsynth.commands.evaluate import score
from semsynth.reporting.setting import setting_name
from semsynth.runs.training import train

TINY = [*SMALL[1:], "generator.ngf=2", "scores=none", "dataset.train_length=6", "dataset.val_length=2",
        "trainer.limit_val_batches=1", "callbacks.panels=null", "decay_epochs=0", "threads=1", "encoder.codes=4",
        "encoder.nef=2", "callbacks.ema.recalibrate_batches=2"]
NAMES = {"sean": "SEAN", "sean_clade": "SEAN-CLADE"}


def settings(run_dir, method, *overrides):
    words = {word.split("=")[0]: word for word in [*TINY, f"run_dir={run_dir}", *overrides]}
    return config.prepare(training(f"experiments={method}_scenes", *words.values()))


@pytest.mark.parametrize("method", NAMES)
def test_a_run_goes_on_exactly_draws_and_is_scored(method, tmp_path):
    train(settings(tmp_path / "whole", method, "epochs=2"), None)
    train(settings(tmp_path / "halves", method, "epochs=1"), None)
    halves = settings(tmp_path / "halves", method, "epochs=2", f"resume={tmp_path / 'halves'}")
    train(halves, runs.Run(tmp_path / "halves", "last").checkpoint)
    for part in ("generator", "encoder", "discriminator"):
        for weights in ("raw",) if part == "discriminator" else ("raw", "ema"):
            whole, taken_up = (runs.Run(tmp_path / name, weights=weights).saved.part(part, weights)
                               for name in ("whole", "halves"))
            assert whole.keys() == taken_up.keys()
            assert all(torch.equal(whole[key], taken_up[key]) for key in whole)
    assert whole is not None

    kept = runs.Run(tmp_path / "whole")
    assert kept.generator.codes.known.max() == 6  # in how many of the training images
    name = setting_name(OmegaConf.to_container(kept.config, resolve=True))
    assert name.removesuffix(" ngf=2") == NAMES[method]
    synthesizer = Synthesizer.from_run(tmp_path / "whole")
    labels = torch.randint(12, (2, 8, 8)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    images = synthesizer(labels, seed=0)
    assert images.shape == (2, 3, 64, 64)
    torch.testing.assert_close(images, synthesizer(labels, seed=0))
    photographs = torch.rand(2, 3, 64, 64) * 2 - 1
    styled = synthesizer(labels, style=photographs, style_labels=labels)
    assert styled.shape == images.shape
    assert not torch.equal(styled, images)

    score(composed("evaluate", f"run={tmp_path / 'whole'}", "device=cpu", "threads=1", "protocol=scenes",
                   "segmenter=scenes", "batch=2", "protocol.count=4", "protocol.train_count=4",
                   "protocol.diversity_maps=2", "protocol.diversity_samples=2"))
    assert 0 <= json.loads((tmp_path / "whole" / "scores.json").read_text())["scores"]["miou"] <= 1
