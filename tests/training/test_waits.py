"""How often an iteration would wait for an accelerator: once where its step is logged, and not at all in between.

Counted on the CPU, through Lightning with the callbacks of a training, on prepared label maps. The optimizers are fused
ones, as on CUDA: others keep their step counts on the host.
"""

from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from iterations import UNPAIRED, batches, paired, reads_prepared, unpaired
from waits import Waits

from semsynth.norms import base
from semsynth.training.checkpoints import Checkpoints
from semsynth.training.csv_metrics import CsvMetrics
from semsynth.training.ema import EMA
from semsynth.training.forecast import Forecast
from semsynth.training.logging_interval import LogEveryEpoch
from semsynth.training.preemption import Preemption
from semsynth.training.progress import Bar, Lines
from semsynth.training.seeding import SeededBatches

FUSED = partial(torch.optim.Adam, lr=1e-3, betas=(0.0, 0.9), fused=True)
STEPS = 5  # of which the third is logged, and the last


@pytest.fixture(autouse=True)
def _fused(monkeypatch):
    """The path of large maps at any size."""
    monkeypatch.setattr(base, "FUSED_ELEMENTS", 0)
    reads_prepared(monkeypatch)


class Iterations(pl.Callback):
    """Splits what is found at the beginnings of the batches."""

    def __init__(self, waits):
        self.waits, self.found = waits, []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.waits.found = type(self.waits.found)()
        self.found.append(self.waits.found)


def waits_of(tiny, path, system, pairs=False, bar=None, **settings):
    """What is found in each iteration."""
    waits = Waits()
    iterations = Iterations(waits)
    callbacks = [iterations, SeededBatches(0), LogEveryEpoch(), EMA(0.9), Checkpoints(path), Preemption(path),
                 Forecast(), bar or Lines(1000.0)]
    loader = batches(system, STEPS, pairs)
    trainer = tiny.trainer(path, callbacks, max_epochs=1, limit_val_batches=0, log_every_n_steps=3,
                           logger=CsvMetrics(path / "metrics.csv"), enable_progress_bar=True, **settings)
    with waits:
        trainer.fit(system, loader)
    for found in iterations.found:
        # Lightning makes numbers of what is logged, which lies on the host: `test_meta.py` would raise otherwise
        for place in [place for place in found if " in apply_func.py:" in place]:
            del found[place]
    return iterations.found


def check(found):
    *between, last = found
    logged = between.pop(2)
    assert len(between) == 3
    assert not any(between), between
    assert logged.total() == 1, logged
    assert last  # what is read at an end is counted, too: the counter works


@pytest.mark.parametrize("regenerate_fake", [True, False])
@pytest.mark.parametrize("norm", ["spade", "clade", "clade_icpe", "clade_distf", "mixed", "group"])
def test_norms(tiny, tmp_path, norm, regenerate_fake):
    check(waits_of(tiny, tmp_path, paired(norm, regenerate_fake=regenerate_fake, optimizer=FUSED)))


@pytest.mark.parametrize("settings", [{"style": True, "vgg": True}, {"checkpointing": True}, {"regenerate_fake": False,
                                      "style": True}], ids=["style and VGG", "checkpointing", "style, drawn once"])
def test_what_surrounds_them(tiny, tmp_path, settings):
    check(waits_of(tiny, tmp_path, paired("mixed", optimizer=FUSED, **settings)))


def test_the_plain_formula(tiny, tmp_path, monkeypatch):
    """The path of small maps."""
    monkeypatch.setattr(base, "FUSED_ELEMENTS", 2 ** 40)
    check(waits_of(tiny, tmp_path, paired("mixed", optimizer=FUSED)))


def test_accumulation(tiny, tmp_path):
    check(waits_of(tiny, tmp_path, paired("mixed", accumulate=2, optimizer=FUSED)))


def test_a_bar(tiny, tmp_path):
    """The bar reads what it shows once more, at the steps that are logged."""
    first, *others = waits_of(tiny, tmp_path, paired("clade", optimizer=FUSED), bar=Bar())
    assert [found.total() for found in (first, *others[:3])] == [1, 0, 2, 0]


@pytest.mark.parametrize("settings", UNPAIRED, ids=["frozen", "pairs", "cycle"])
def test_unpaired(tiny, tmp_path, settings):
    check(waits_of(tiny, tmp_path, unpaired(optimizer=FUSED, **settings),
                   pairs="paired" in settings.get("extra", ())))


@pytest.mark.parametrize("regenerate_fake", [True, False])
def test_a_scaler_of_float16(tiny, tmp_path, regenerate_fake):
    from pytorch_lightning.plugins import MixedPrecision

    plugin = MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu", init_scale=2.0 ** 10))
    system = paired("clade", optimizer=FUSED, regenerate_fake=regenerate_fake)
    check(waits_of(tiny, tmp_path, system, plugins=[plugin]))


@pytest.mark.parametrize("cause", [lambda x: x.mean().item(), lambda x: x[x > 0], lambda x: bool(x.mean() > 0),
                                   lambda x: x.mean().tolist(), lambda x: torch.unique(x.long()), torch.nonzero,
                                   lambda x: torch.bincount(x.abs().long().flatten()),
                                   lambda x: torch.repeat_interleave(x.abs().long().flatten()),
                                   lambda x: torch.equal(x, x), lambda x: x.masked_select(x > 0),
                                   lambda x: x.numpy(), lambda x: x.cpu()])
def test_every_kind_is_seen(cause):
    x = torch.randn(3, 4)
    with Waits() as waits:
        cause(x)
        assert waits.found.total() == 1, waits.found
        with waits.paused():
            cause(x)
        x.sum(), x[0, 1], x[torch.tensor([0, 1])]
    assert waits.found.total() == 1
