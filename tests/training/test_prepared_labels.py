"""A training whose loaders prepare the label maps."""

from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from semsynth.data.datamodule import DataModule
from semsynth.data.scenes.dataset import Scenes
from semsynth.discriminators.patchgan import MultiscaleDiscriminator
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.spade import SPADE
from semsynth.semantics.icpe import Offsets
from semsynth.semantics.patches import Patches
from semsynth.training.paired import PairedSystem

SIZE, CLASSES = (32, 32), 12


class Made(nn.Module):
    weight = 1.0

    def forward(self, step):
        return sum(f[-1].mean() + r[-1].square().mean() for f, r in zip(step.fake_maps, step.real_maps, strict=True))


def system(z_dim=4):
    torch.manual_seed(0)
    generator = SPADEGenerator(partial(SPADE, hidden=8, edges=True), CLASSES, size=SIZE, ngf=2, edges=True,
                               z_dim=z_dim, fc_offsets=True)
    optimizer = partial(torch.optim.Adam, lr=1e-3)
    return PairedSystem(generator, MultiscaleDiscriminator(CLASSES, edges=True, ndf=4), None,
                        {"generator": {"made": Made()}, "discriminator": {"made": Made()}},
                        {"generator": optimizer, "discriminator": optimizer}, num_classes=CLASSES, epochs=1)


def data(workers):
    sets = [Scenes(8, SIZE, split, instances=True, offsets=Offsets(enabled=True)) for split in ("train", "val")]
    return DataModule(*sets, batch=2, num_workers=workers, precheck_seconds=0)


class Watch(pl.Callback):
    """Keeps the batches that arrive."""

    def __init__(self):
        self.train, self.val = [], []

    def on_train_batch_start(self, trainer, module, batch, index):
        self.train.append(batch)

    def on_validation_batch_start(self, trainer, module, batch, index, dataloader_idx=0):
        self.val.append(batch)


def trained(tiny, path, workers, z_dim=4, **settings):
    watch, made = Watch(), system(z_dim)
    tiny.trainer(path, [watch], max_epochs=1, limit_val_batches=1, **settings).fit(made, datamodule=data(workers))
    return made, watch


class Copies(TorchDispatchMode):
    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func is torch.ops.aten._to_copy.default
        return func(*args, **(kwargs or {}))


def test_weights_do_not_depend_on_who_prepares(tiny, tmp_path):
    """To the bit."""
    alone, plain = trained(tiny, tmp_path, 0)
    helped, watch = trained(tiny, tmp_path, 1)
    for a, b in zip(*(m.state_dict().values() for m in (alone, helped)), strict=True):
        assert torch.equal(a, b)
    assert len(watch.train) == 4
    assert "labels" in plain.train[0]
    assert set(watch.train[0]) == set(watch.val[0]) == {"image", "semantics", "name"}


def test_nothing_is_made_of_labels_beside_the_networks(tiny, tmp_path, monkeypatch):
    def refuse(wanted, **_):
        return [pytest.fail("made in the training step") for _ in wanted]

    class Late(pl.Callback):
        def on_train_batch_start(self, *_):
            monkeypatch.setattr(Patches, "of_each", refuse)  # the worker is there already

    made = system()
    tiny.trainer(tmp_path, [Late()], max_epochs=1, limit_train_batches=2, limit_val_batches=0).fit(
        made, datamodule=data(1))
    assert made.trainer.global_step == 4


def test_a_batch_reaches_a_device_in_two_copies(tiny, tmp_path):
    made, watch = trained(tiny, tmp_path, 1, limit_train_batches=1)
    with Copies() as copies:
        moved = made.transfer_batch_to_device(watch.train[0], torch.device("meta"), 0)
    assert copies.count == 2
    semantics = made.batch_of(moved).semantics
    assert {semantics.labels.device.type, semantics.at(8, 8).edges.device.type} == {"meta"}


@pytest.mark.parametrize(("precision", "z_dim"), [("64-true", 4), ("bf16-true", 0)])
def test_label_maps_go_with_any_precision(tiny, tmp_path, precision, z_dim):
    trained(tiny, tmp_path, 1, z_dim, limit_train_batches=1, precision=precision)
