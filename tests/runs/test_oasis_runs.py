"""Runs of OASIS: they go on exactly where they stopped, and draw with noise of every kind."""

import pytest
import torch
from commands import SMALL, training

from semsynth import Synthesizer, config, runs
from semsynth.runs.training import train
from semsynth.style import Style

TINY = [*SMALL, "generator.ngf=2", "discriminator.ndf=2", "scores=none", "dataset.train_length=6",
        "dataset.val_length=2", "trainer.limit_val_batches=1", "callbacks.panels=null", "decay_epochs=0", "threads=1",
        "callbacks.ema.recalibrate_batches=2"]


def settings(run_dir, norm, *overrides):
    words = {word.split("=")[0]: word for word in [*TINY, f"norm={norm}", f"run_dir={run_dir}", *overrides]}
    return config.prepare(training("experiments=oasis_scenes", *words.values()))


@pytest.mark.parametrize("norm", ["spade_noise", "clade_noise"])
def test_a_run_goes_on_exactly_and_draws(norm, tmp_path):
    train(settings(tmp_path / "whole", norm, "epochs=2"), None)
    train(settings(tmp_path / "halves", norm, "epochs=1"), None)
    halves = settings(tmp_path / "halves", norm, "epochs=2", f"resume={tmp_path / 'halves'}")
    train(halves, runs.Run(tmp_path / "halves", "last").checkpoint)
    for part in ("generator", "discriminator"):
        for weights in ("raw", "ema") if part == "generator" else ("raw",):
            whole, taken_up = (runs.Run(tmp_path / name, weights=weights).saved.part(part, weights)
                               for name in ("whole", "halves"))
            assert whole.keys() == taken_up.keys()
            assert all(torch.equal(whole[key], taken_up[key]) for key in whole)

    synthesizer = Synthesizer.from_run(tmp_path / "whole")
    labels = torch.randint(12, (2, 8, 8)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    images = synthesizer(labels, seed=0)
    assert images.shape == (2, 3, 64, 64)
    torch.testing.assert_close(images, synthesizer(labels, seed=0))
    assert synthesizer.z_dim == 64
    torch.testing.assert_close(synthesizer(labels, z=torch.zeros(64)),
                               synthesizer(labels, style=Style(noise=torch.zeros(1, 64, 64, 64))))
