"""Whole iterations on torch's `meta` device: what needs a value on the host, or mixes devices, raises there.

Label maps are prepared on the CPU and moved, as the loaders' workers do it for an accelerator. Everything behind that
runs through Lightning: drawing, losses, backward passes, optimizers, averages, the estimate of their statistics,
validation.

Not covered: values (there are none); which kernels a device takes; the one read of the losses (`Watch.look`), which is
taken out; what writes files (checkpoints, pictures, scores); the spectral norms' power iterations and the ways around
their division, which the meta device does not take; the scaler of float16; several processes.
"""

import pytest
import pytorch_lightning as pl
import torch
from iterations import CLASSES, SIZE, UNPAIRED, batches, generator, paired, reads_prepared, semantics, unpaired
from pytorch_lightning.accelerators import CPUAccelerator
from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.strategies import SingleDeviceStrategy

from semsynth.semantics import Semantics
from semsynth.style import Style
from semsynth.training.ema import EMA
from semsynth.training.seeding import SeededBatches
from semsynth.training.watch import Watch

NORMS = ["spade", "clade", "clade_icpe", "clade_distf", "mixed", "group"]


@pytest.fixture(autouse=True)
def _no_read(monkeypatch):
    def look(self, besides=(), *, gather=None):
        self._noted = []
        return [0.0] * len(besides)

    monkeypatch.setattr(Watch, "look", look)
    reads_prepared(monkeypatch)


class Meta(CPUAccelerator):
    """The meta device in Lightning's eyes."""

    def setup_device(self, device):
        pass


class OnMeta(SingleDeviceStrategy):
    """A training there, which leaves its networks where they are."""

    def __init__(self):
        super().__init__("meta", Meta())

    def reduce(self, tensor, *args, **kwargs):
        """Lightning asks whether the loaders of all processes hold something."""
        return torch.ones(())

    def teardown(self):
        pass


class Logged(Logger):
    """What is logged; Lightning makes numbers of it first."""

    name = version = ""

    def __init__(self):
        super().__init__()
        self.rows = []

    def log_hyperparams(self, *args, **kwargs):
        pass

    def log_metrics(self, metrics, step=None):
        self.rows.append(metrics)


class Validated(pl.Callback):
    def __init__(self):
        self.fakes = []

    def on_validation_batch_end(self, trainer, pl_module, outputs, batch, batch_idx, dataloader_idx=0):
        self.fakes.append(outputs["fake"])


def fit(tiny, path, system, pairs=False, **settings):
    """Two batches and a validation on the meta device."""
    watch, logger = Validated(), Logged()
    trainer = tiny.trainer(path, [SeededBatches(0), EMA(0.9, recalibrate_batches=1), watch], max_epochs=1,
                           accelerator="auto", strategy=OnMeta(), logger=logger, log_every_n_steps=1, **settings)
    trainer.fit(system, batches(system, 2, pairs), batches(system, 1))
    assert logger.rows
    assert trainer.global_step == 4 // system.accumulate
    assert [fake.device.type for fake in watch.fakes] == ["meta"]
    assert watch.fakes[0].shape == (2, 3, SIZE, SIZE)
    assert {p.device.type for p in system.parameters()} == {"meta"}


@pytest.mark.parametrize("regenerate_fake", [True, False])
@pytest.mark.parametrize("norm", NORMS)
def test_norms(tiny, tmp_path, norm, regenerate_fake):
    fit(tiny, tmp_path, paired(norm, regenerate_fake=regenerate_fake))


@pytest.mark.parametrize("regenerate_fake", [True, False])
@pytest.mark.parametrize("settings", [{"style": True, "vgg": True}, {"accumulate": 2}, {"checkpointing": True}],
                         ids=["style and VGG", "accumulation", "checkpointing"])
def test_what_surrounds_them(tiny, tmp_path, settings, regenerate_fake):
    fit(tiny, tmp_path, paired("mixed", regenerate_fake=regenerate_fake, **settings))


def test_low_precision(tiny, tmp_path):
    fit(tiny, tmp_path, paired("mixed", style=True), precision="bf16-true")


@pytest.mark.parametrize("settings", UNPAIRED, ids=["frozen", "pairs", "cycle"])
def test_unpaired(tiny, tmp_path, settings):
    fit(tiny, tmp_path, unpaired(**settings), pairs="paired" in settings.get("extra", ()))


@pytest.mark.parametrize("style", [False, True])
@pytest.mark.parametrize("norm", NORMS)
def test_drawing(norm, style):
    """Also several styles of one label map."""
    network = generator(norm, 4 * style).eval()
    with torch.no_grad():
        maps = semantics(network.readings(SIZE, SIZE)).to("meta")
    fast = network.to("meta").optimize_for_inference()
    given = Style(vector=torch.zeros(4, 4, device="meta")) if style else None
    image = fast(maps, given)
    assert image.device.type == "meta"
    assert image.shape == (4 if style else 2, 3, SIZE, SIZE)


def test_a_value_on_the_host_raises(tiny, tmp_path):
    """What these tests rest on."""
    system = paired("clade")
    system.losses["generator"]["feature_matching"].forward = lambda step: step.fake.mean() * step.fake.mean().item()
    with pytest.raises(RuntimeError, match="meta"):
        fit(tiny, tmp_path, system)


def test_mixed_devices_raise(tiny, tmp_path):
    system = paired("clade")
    term = system.losses["generator"]["feature_matching"]
    term.forward = lambda step: (step.fake + torch.zeros(2, 3, SIZE, SIZE)).mean()
    with pytest.raises(RuntimeError, match="device"):
        fit(tiny, tmp_path, system)


def test_label_maps_move_with_all_that_was_prepared():
    """Nothing is made anew behind a move."""
    maps = semantics(generator("spade").readings(SIZE, SIZE)).to("meta")
    assert isinstance(maps, Semantics)
    assert maps.num_classes == CLASSES
    assert maps.prepare(generator("spade").readings(SIZE, SIZE)) is maps
