"""The same samples in one batch, in several that are accumulated, and in several processes."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from processes import Process
from torch import nn
from torch.testing import assert_close

from semsynth.losses.kl import KLDivergence
from semsynth.training.seeding import SeededBatches


class Gradients(pl.Callback):
    """Write the gradients of all networks at their optimizers' last steps, and which backward passes shared them."""

    def __init__(self, folder):
        self.folder, self.found = folder, {}

    def on_before_backward(self, trainer, pl_module, loss):
        self.found.setdefault("shared", []).append(getattr(trainer.strategy.model, "require_backward_grad_sync", None))

    def on_before_optimizer_step(self, trainer, pl_module, optimizer):
        part = trainer.optimizers.index(optimizer)
        for network in (("generator", "encoder"), ("discriminator",))[part]:
            gradients = [p.grad for p in getattr(pl_module, network).parameters() if p.grad is not None]
            self.found[network] = [gradient.clone() for gradient in gradients]
        torch.save(self.found, self.folder / f"{trainer.global_rank}.pt")


class Shared(pl.LightningDataModule):
    """Each process takes its part of the batches."""

    def __init__(self, loader):
        super().__init__()
        self.loader = loader

    def train_dataloader(self):
        loader = self.loader()
        loader.sampler.rank, loader.sampler.world = self.trainer.global_rank, self.trainer.world_size
        return loader


def gradients_of(tiny, folder, batch, *, accumulate=1, regenerate_fake=True, kl_alone=False, **settings):
    folder.mkdir()
    system = tiny.system(accumulate=accumulate, regenerate_fake=regenerate_fake, epochs=1, decay_epochs=0)
    system.generator.drop.p = 0.0  # whose draws depend on the process
    system.losses["generator"]["kl"] = KLDivergence()
    if kl_alone:
        system.losses["generator"] = nn.ModuleDict({"kl": KLDivergence()})
    trainer = tiny.trainer(folder, [SeededBatches(), Gradients(folder)], max_epochs=1, limit_val_batches=0, **settings)
    trainer.fit(system, datamodule=Shared(tiny.data(length=8, batch=batch).train_dataloader))
    return torch.load(folder / "0.pt")


@pytest.mark.parametrize("regenerate_fake", [True, False])
def test_kl_with_accumulation(tiny, tmp_path, regenerate_fake):
    whole, quarters = (gradients_of(tiny, tmp_path / str(batch), batch, accumulate=8 // batch, kl_alone=True,
                                    regenerate_fake=regenerate_fake)["encoder"] for batch in (8, 2))
    assert any(g.abs().max() > 0.01 for g in whole)
    assert_close(quarters, whole)


@pytest.mark.ddp
@pytest.mark.parametrize("regenerate_fake", [True, False])
def test_accumulation_in_two_processes(tiny, tmp_path, regenerate_fake):
    """All terms and networks; from a process of its own, since forking needs one whose autograd has not run."""
    whole = gradients_of(tiny, tmp_path / "whole", 4, accumulate=2, regenerate_fake=regenerate_fake)
    assert whole.pop("shared") == [None] * 4
    process = Process([__file__, tmp_path / "halves", int(regenerate_fake)], tmp_path,
                      os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    out = process.stdout.read()
    assert process.wait() == 0, out
    for rank in (0, 1):
        halves = torch.load(tmp_path / "halves" / f"{rank}.pt")
        assert sorted(halves["shared"]) == [False, False, True, True]  # those of the last batch
        for network, gradients in whole.items():
            assert any(g.abs().max() > 0.01 for g in gradients), network
            assert_close(halves[network], gradients, msg=lambda words: f"{network}: {words}")  # noqa: B023


if __name__ == "__main__":
    from commands import load

    parts = load("tests/training/conftest.py")
    gradients_of(SimpleNamespace(system=parts.make_system, trainer=parts.make_trainer, data=parts.Data),
                 Path(sys.argv[1]), 2, accumulate=2, regenerate_fake=bool(int(sys.argv[2])), devices=2,
                 strategy="ddp_fork_find_unused_parameters_true")
