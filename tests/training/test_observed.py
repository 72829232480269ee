"""A NaN is found before anything is kept of it, and named with the batch where it began."""

import signal

import pytest
import pytorch_lightning as pl
import torch

from semsynth.errors import NonFiniteError
from semsynth.training.checkpoints import Checkpoints
from semsynth.training.csv_metrics import CsvMetrics
from semsynth.training.ema import EMA
from semsynth.training.panels import Panels
from semsynth.training.preemption import Preemption

NAN = float("nan")
BEGAN = r"loss/generator/broken = nan in epoch 1, batch 3, where it began\. Training stops in epoch 1, batch"


def broken(tiny, at=3, part="generator", value=NAN, **settings):
    """A system with a term that is not finite, nor are its gradients, from its `at`-th batch on."""
    system, calls = tiny.system(**settings), []

    def term(step):
        calls.append(None)
        return (step.fake.square().sum() + 1) * (value if len(calls) >= at else 0.0)

    system.losses[part]["broken"] = tiny.term(term)
    return system


@pytest.mark.parametrize("regenerate", [True, False])
@pytest.mark.parametrize(("part", "value"), [("generator", NAN), ("discriminator", float("inf"))])
def test_it_is_found_at_the_next_step_that_is_logged(tiny, tmp_path, part, value, regenerate):
    system = broken(tiny, part=part, value=value, regenerate_fake=regenerate)
    words = rf"^loss/{part}/broken = {value} in epoch 1, batch 3, where it began.*stops in epoch 1, batch 4.*optim\.gen"
    with pytest.raises(NonFiniteError, match=words):
        tiny.trainer(tmp_path, log_every_n_steps=2).fit(system, datamodule=tiny.data())


@pytest.mark.parametrize("part", ["generator", "discriminator"])
def test_gradients_are_named_where_losses_are_finite(tiny, tmp_path, part):
    system = tiny.system()
    # a loss of 0 with the gradient 0 / 0
    system.losses[part]["root"] = tiny.term(lambda step: (step.fake_maps[0][-1].sum() * 0).sqrt())
    with pytest.raises(NonFiniteError, match=rf"^the largest of the {part}'s gradients = nan in epoch 1, batch 1,"):
        tiny.trainer(tmp_path).fit(system, datamodule=tiny.data())


def test_finite_gradients_have_no_norm_that_is_not(tiny, tmp_path):
    """The root of the sum of their squares would be infinite in float32."""
    system = tiny.system()
    system.losses["generator"]["steep"] = tiny.term(lambda step: step.fake.sum() * 1e25)
    tiny.trainer(tmp_path, limit_train_batches=1, log_every_n_steps=1).fit(system, datamodule=tiny.data())


class Signal(pl.Callback):
    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if batch_idx == 3:
            signal.raise_signal(signal.SIGTERM)


class Unknown(pl.Callback):
    """Some other callback that writes checkpoints."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if batch_idx == 3:
            trainer.save_checkpoint(f"{trainer.default_root_dir}/own.ckpt")


@pytest.mark.parametrize("kind", ["every_n_batches", "signal", "validation", "own", "end"])
def test_nothing_is_kept_of_it(tiny, tmp_path, kind):
    """No checkpoint and no picture, whoever writes them, though losses are logged rarely."""
    more = {"signal": [Signal()], "own": [Unknown()]}.get(kind, [])
    each = 2 if kind == "every_n_batches" else None
    # the order of conf/callbacks/default.yaml
    callbacks = [*more, EMA(0.9, recalibrate_batches=1), Panels(tmp_path / "grids", list("abc"), [[0] * 3] * 3),
                 Checkpoints(tmp_path, every_n_batches=each, every_n_epochs=0), Preemption(tmp_path)]
    settings = {"max_epochs": 1, "log_every_n_steps": 1000, "limit_val_batches": 1 if kind == "validation" else 0}
    if kind == "validation":
        settings["val_check_interval"] = 4
    with pytest.raises(NonFiniteError, match=BEGAN):
        tiny.trainer(tmp_path, callbacks, **settings).fit(broken(tiny), datamodule=tiny.data())
    kept = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert kept == (["last.ckpt"] if kind == "every_n_batches" else [])  # that of the second batch
    if kept:
        saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
        assert saved["global_step"] == 4  # of two optimizers
        assert all(torch.isfinite(value).all() for value in saved["state_dict"].values())


def test_the_end_of_training_is_checked_without_any_callback(tiny, tmp_path, monkeypatch):
    """Also where no step is logged any more."""
    system = broken(tiny, at=6)
    monkeypatch.setattr(system, "report", lambda: None)
    with pytest.raises(NonFiniteError, match="epoch 1, batch 6, where it began"):
        tiny.trainer(tmp_path, max_epochs=1, limit_val_batches=0).fit(system, datamodule=tiny.data())


def test_memory_is_bounded_where_nothing_is_logged(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("semsynth.training.observed.MOST", 10)
    with pytest.raises(NonFiniteError, match=rf"{BEGAN} 3"):  # four groups of scalars a batch
        tiny.trainer(tmp_path, log_every_n_steps=1000).fit(broken(tiny), datamodule=tiny.data())


class Rows(CsvMetrics):
    """Keeps what it is given."""

    def __init__(self, path):
        super().__init__(path)
        self.rows = {}

    def log_metrics(self, metrics, step=None):
        self.rows[step] = metrics


def rows(tiny, path, *callbacks, system=None, **settings):
    logger = Rows(path / "metrics.csv")
    trainer = tiny.trainer(path, callbacks, logger=logger, max_epochs=2, limit_val_batches=0, **settings)
    trainer.fit(tiny.system(**(system or {})), datamodule=tiny.data())
    return logger.rows, trainer


def test_rows_are_those_of_their_steps(tiny, tmp_path):
    """However seldom they are read."""
    every, _ = rows(tiny, tmp_path, log_every_n_steps=1)
    fourth, trainer = rows(tiny, tmp_path, log_every_n_steps=4)
    assert len(every) == 12
    assert fourth == {step: every[step] for step in (3, 7, 11)}
    assert len({row["loss/discriminator/adversarial"] for row in every.values()}) == 12
    assert list(every[0]) == ["loss/generator/adversarial", "loss/generator/feature_matching", "loss/generator/kl",
                              "lr/generator", "loss/discriminator/adversarial", "lr/discriminator", "epoch"]
    assert {key: value.item() for key, value in trainer.callback_metrics.items()}.items() <= fourth[11].items()


class Stop(pl.Callback):
    """Ends the training after a step that is not logged, as `trainer.max_time` does."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if batch_idx == 4:
            trainer.should_stop = True


def test_the_last_row_before_a_stop_is_of_the_step_that_stopped(tiny, tmp_path):
    every, _ = rows(tiny, tmp_path, log_every_n_steps=1)
    cut, _ = rows(tiny, tmp_path, Stop(), log_every_n_steps=4)
    assert cut == {3: every[3], 4: every[4]}


def test_an_epoch_begins_without_the_losses_of_the_last_one(tiny, tmp_path):
    """Where no optimizer step ended yet, there is nothing to log."""
    found, _ = rows(tiny, tmp_path, log_every_n_steps=1, system={"accumulate": 3})
    assert [step for step, row in found.items() if "loss/generator/kl" in row] == [2, 3, 4, 5, 8, 9, 10, 11]
