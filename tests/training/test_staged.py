"""The part that was trained before is held, then freed with an optimizer that starts anew."""

from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch

from semsynth.training.checkpoints import Checkpoints
from semsynth.training.resume import ContinueEpoch
from semsynth.training.seeding import SeededBatches
from semsynth.training.staged import StagedSystem


@pytest.fixture
def make(tiny):
    class Enhancer(tiny.generator):
        @property
        def trained_before(self):
            return self.colour

    def build():
        paired = tiny.system()
        torch.manual_seed(0)
        losses = {part: dict(terms.items()) for part, terms in paired.losses.items()}
        return StagedSystem(Enhancer(), paired.discriminator, paired.encoder, losses, paired._optimizers_of,
                            num_classes=tiny.classes, epochs=4, fixed_epochs=2)
    return build


class Watch(pl.Callback):
    """The part's weight, and the steps that the optimizer counts for it and for another, at the end of each epoch."""

    def __init__(self):
        self.seen = []

    def on_train_epoch_end(self, trainer, pl_module):
        generator, state = pl_module.generator, pl_module.both_optimizers()[0].state
        steps = [int(state[p]["step"]) if p in state else 0 for p in (generator.colour.weight, generator.conv.bias)]
        self.seen.append((generator.colour.weight.detach().clone(), steps))


def test_the_part_moves_from_the_second_stage_on(make, tiny, tmp_path):
    system, watch = make(), Watch()
    before = system.generator.colour.weight.detach().clone()
    tiny.trainer(tmp_path, [watch], max_epochs=4).fit(system, tiny.data())
    assert [not torch.equal(before, weight) for weight, _ in watch.seen] == [False, False, True, True]
    # 6 steps an epoch: those of the rest are forgotten when the part begins to move
    assert [steps for _, steps in watch.seen] == [[0, 6], [0, 12], [6, 6], [12, 12]]


class Stop(Exception):
    """In the middle of an epoch."""


class Interrupt(pl.Callback):
    """Raises after a batch."""

    def __init__(self, epoch, batch):
        self.at = epoch, batch

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if (trainer.current_epoch, batch_idx) == self.at:
            trainer.save_checkpoint(Path(trainer.default_root_dir) / "half.ckpt")
            raise Stop


@pytest.mark.parametrize("at", [(1, 3), (2, 0), (2, 4)], ids=str)
def test_it_goes_on_exactly(at, make, tiny, tmp_path):
    def trained(*more, **settings):
        system = make()
        callbacks = [SeededBatches(3), *more, ContinueEpoch()]
        tiny.trainer(tmp_path, callbacks, max_epochs=4).fit(system, tiny.data(), weights_only=True, **settings)
        return {name: value.clone() for name, value in system.state_dict().items()}, system

    whole, system = trained()
    with pytest.raises(Stop):
        trained(Interrupt(*at))
    again, other = trained(ckpt_path=tmp_path / "half.ckpt")
    assert all(torch.equal(value, again[name]) for name, value in whole.items())
    first, second = (s.both_optimizers()[0].state_dict()["state"] for s in (system, other))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[k]["exp_avg"], second[k]["exp_avg"]) for k in first)


def test_it_goes_on_from_the_end_of_the_first_stage(make, tiny, tmp_path):
    def trained(epochs, **settings):
        system = make()
        callbacks = [SeededBatches(3), ContinueEpoch(), Checkpoints(tmp_path / str(epochs))]
        tiny.trainer(tmp_path, callbacks, max_epochs=epochs).fit(system, tiny.data(), weights_only=True, **settings)
        return system

    whole = trained(4)
    trained(2)
    again = trained(4, ckpt_path=tmp_path / "2" / "last.ckpt")
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), again.parameters(), strict=True))


def test_what_cannot_be_staged(tiny):
    paired = tiny.system()
    with pytest.raises(ValueError, match="no part that is trained before: take system=paired"):
        StagedSystem(paired.generator, paired.discriminator, paired.encoder, {}, {}, num_classes=3, epochs=1)
