"""What callbacks of this project refuse, and what they read of Lightning."""

import pytest
import pytorch_lightning as pl

from semsynth.training.ema import EMA
from semsynth.training.progress import losses
from semsynth.training.system import system_of
from semsynth.training.undeclared import callbacks, datamodule, fast_dev_run
from semsynth.training.whole_batch import WholeBatch


def test_a_module_without_optimizer_steps_of_its_own_is_refused_in_words(tiny):
    system = tiny.system()
    assert system_of(system) is system
    with pytest.raises(TypeError, match=r"LightningModule is no semsynth\.training\.system\.System"):
        EMA(0.9).on_train_batch_end(None, pl.LightningModule(), None, None, 0)


def test_a_module_without_losses_to_show_shows_none():
    assert losses(pl.LightningModule()) == {}


def test_loaders_that_do_not_say_their_batch_are_refused(tiny, tmp_path):
    trainer = tiny.trainer(tmp_path)
    with pytest.raises(TypeError, match="NoneType does not say its `batch`"):
        WholeBatch(4, "tiny").on_train_start(trainer, tiny.system())


def test_what_lightning_does_not_declare_is_there(tiny, tmp_path):
    """The names may change under us: then this says so, and not a run that leaves no checkpoint."""
    ema, data = EMA(0.9), tiny.data(length=4)
    trainer = tiny.trainer(tmp_path, [ema], fast_dev_run=True)
    assert ema in callbacks(trainer)
    assert fast_dev_run(trainer)
    assert not fast_dev_run(tiny.trainer(tmp_path))
    trainer.fit(tiny.system(epochs=1, decay_epochs=0), datamodule=data)
    assert datamodule(trainer) is data
