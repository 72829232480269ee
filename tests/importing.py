"""Calling tools/import_checkpoint.py, and starting trainings from what it makes."""

import torch
from commands import composed
from omegaconf import OmegaConf

from semsynth import config, runs
from semsynth.runs.importing import import_checkpoint
from semsynth.runs.inheritance import inherited


def training_from(run, *overrides):
    """The configuration of a training from a run, as train.py makes it."""
    given = [f"init_from={run}", "trainer=smoke", "batch=2", "logger=csv", "data.num_workers=0",
             "trainer.accelerator=cpu", *overrides]
    plain = inherited(OmegaConf.to_container(composed("train", *given), resolve=False),
                      OmegaConf.to_container(runs.Run(run).config, resolve=True), given)
    return config.prepare(OmegaConf.create(plain))


def import_run(source, output, *overrides):
    """Import as the command line does; the lines that it prints."""
    cfg = composed("import_checkpoint", f"source='{source}'", f"output='{output}'", *overrides)
    return import_checkpoint(cfg, [o for o in overrides if o.startswith(("dataset", "recipe"))])


def save(folder, epoch="latest", **states):
    """Files of a released model in a folder: generator=..., discriminator=..., encoder=..."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, state in states.items():
        torch.save(state, folder / f"{epoch}_net_{part[0].upper()}.pth")
    return folder
