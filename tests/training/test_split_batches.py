"""The same samples in one batch, in several that are accumulated, and in several processes."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from torch import nn
from torch.testing import assert_close

from semsynth.losses.kl import KLDivergence


class Gradients(pl.Callback):
    """Write the encoder's gradients at the generator's step."""

    def __init__(self, folder):
        self.folder = folder

    def on_before_optimizer_step(self, trainer, pl_module, optimizer):
        if optimizer is trainer.optimizers[0]:
            torch.save([p.grad for p in pl_module.encoder.parameters()], self.folder / f"{trainer.global_rank}.pt")


class Shared(pl.LightningDataModule):
    """Each process takes its part of the batches."""

    def __init__(self, loader):
        super().__init__()
        self.loader = loader

    def train_dataloader(self):
        loader = self.loader()
        loader.sampler.rank, loader.sampler.world = self.trainer.global_rank, self.trainer.world_size
        return loader


def gradients_of(tiny, folder, batch, *, accumulate=1, regenerate_fake=True, **settings):
    folder.mkdir()
    system = tiny.system(accumulate=accumulate, regenerate_fake=regenerate_fake, epochs=1, decay_epochs=0)
    system.losses["generator"] = nn.ModuleDict({"kl": KLDivergence()})
    trainer = tiny.trainer(folder, [Gradients(folder)], max_epochs=1, limit_val_batches=0, **settings)
    trainer.fit(system, datamodule=Shared(tiny.data(length=8, batch=batch).train_dataloader))
    return torch.load(folder / "0.pt")


@pytest.mark.parametrize("regenerate_fake", [True, False])
def test_kl_with_accumulation(tiny, tmp_path, regenerate_fake):
    whole, quarters = (gradients_of(tiny, tmp_path / str(batch), batch, accumulate=8 // batch,
                                    regenerate_fake=regenerate_fake) for batch in (8, 2))
    assert any(g.abs().max() > 0.01 for g in whole)
    assert_close(quarters, whole)


@pytest.mark.ddp
def test_kl_in_two_processes(tiny, tmp_path):
    """From a process of its own, since forking needs one whose autograd has not run."""
    whole = gradients_of(tiny, tmp_path / "whole", 8)
    done = subprocess.run([sys.executable, __file__, tmp_path / "halves"], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == 0, done.stderr
    assert_close(torch.load(tmp_path / "halves" / "0.pt"), whole)


if __name__ == "__main__":
    from commands import load

    parts = load("tests/training/conftest.py")
    gradients_of(SimpleNamespace(system=parts.make_system, trainer=parts.make_trainer, data=parts.Data),
                 Path(sys.argv[1]), 4, devices=2, strategy="ddp_fork_find_unused_parameters_true")
