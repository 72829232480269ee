"""A run that is interrupted anywhere and continued ends as one that was not."""

import os
import random
import signal
from contextlib import nullcontext

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from semsynth.data.sampler import ResumableSampler
from semsynth.errors import TrainingStopped
from semsynth.training.checkpoints import Checkpoints
from semsynth.training.csv_metrics import CsvMetrics, Rows
from semsynth.training.ema import EMA
from semsynth.training.preemption import Preempted, Preemption
from semsynth.training.resume import ContinueEpoch
from semsynth.training.seeding import SeededBatches


class Interrupt(pl.Callback):
    """Sends this process a signal in a batch."""

    def __init__(self, epoch: int, batch: int, signum: int = signal.SIGUSR1) -> None:
        self.at, self.signum = (epoch, batch), signum

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if (trainer.current_epoch, batch_idx) == self.at:
            os.kill(os.getpid(), self.signum)


class Chance(pl.Callback):
    """Records which samples each batch holds and what the three generators would draw."""

    def __init__(self) -> None:
        self.seen: dict = {}

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        state = torch.get_rng_state()
        drawn = (torch.rand(()).item(), np.random.get_state()[1][:4].tolist(), random.getstate()[1][:4])
        torch.set_rng_state(state)
        self.seen[trainer.current_epoch, batch_idx] = (*batch["name"], drawn)


class Validations(pl.Callback):
    """Logs what a validation sees, for a row of its own."""

    def on_validation_epoch_end(self, trainer, pl_module):
        pl_module.log("validated", pl_module.generator.colour.weight.sum())


def callbacks(path, *more):
    chance = Chance()
    # as conf/callbacks/default.yaml orders them
    return [SeededBatches(3), *more, ContinueEpoch(), EMA(0.9, recalibrate_batches=2),
            Checkpoints(path / "checkpoints"), Preemption(path / "checkpoints"), chance], chance


def logging(path, settings):
    """Every row of a training in `path`: completes the settings of its trainer, returns the callbacks."""
    settings["logger"], settings["log_every_n_steps"] = CsvMetrics(path / "metrics.csv"), 1
    return [Validations(), Rows(settings["logger"])]


def train(tiny, path, *more, checkpoint=None, seed=0, system_settings=None, **settings):
    system = tiny.system(**(system_settings or {}))
    torch.manual_seed(seed)  # whatever the process drew before must not matter
    made, chance = callbacks(path, *more)
    trainer = tiny.trainer(path, made + logging(path, settings), **settings)
    trainer.fit(system, datamodule=tiny.data(length=15), ckpt_path=checkpoint, weights_only=True)
    return system, chance.seen, torch.load(path / "checkpoints" / "last.ckpt", weights_only=True)


def interrupted(tiny, path, interrupt, **settings):
    system = tiny.system(**settings.pop("system_settings", {}))
    made, chance = callbacks(path, interrupt)
    with pytest.raises(Preempted):
        tiny.trainer(path, made + logging(path, settings), **settings).fit(
            system, datamodule=tiny.data(length=15), weights_only=True)
    return chance.seen


def assert_same(a, b, path=""):
    assert type(a) is type(b), path
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b), path
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), path
        for key in a:
            assert_same(a[key], b[key], f"{path}.{key}")
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), path
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_same(x, y, f"{path}[{i}]")
    else:
        assert a == b, path


@pytest.mark.parametrize(
    ("epoch", "batch", "settings"),
    [
        (0, 2, {}),
        (1, 0, {}),
        (1, 4, {}),
        (1, 5, {}),  # before the last batch of an epoch, which is not over
        (1, 6, {}),  # the last batch of an epoch: stops in the validation, which is done again
        (2, 6, {}),  # of the whole training
        (2, 3, {}),  # while the rates fall
        (1, 1, {"system_settings": {"accumulate": 3}}),  # stops where the window is full
        (1, 2, {"limit_train_batches": 5}),
        (1, 2, {"val_check_interval": 2}),
        (1, 3, {"val_check_interval": 2}),  # stops before a validation, which is done then
    ],
)
def test_interrupted_and_resumed_is_bit_identical(tiny, tmp_path, epoch, batch, settings):
    whole, order, state = train(tiny, tmp_path / "whole", **settings)
    part = tmp_path / "part"
    first = interrupted(tiny, part, Interrupt(epoch, batch), **settings)
    again, rest, resumed = train(tiny, part, checkpoint=part / "checkpoints" / "last.ckpt", seed=99, **settings)
    assert {**first, **rest} == order
    assert first.keys().isdisjoint(rest.keys())
    assert_same(dict(again.state_dict()), dict(whole.state_dict()))
    for part_of in ("optimizer_states", "global_step", "epoch"):
        assert_same(resumed[part_of], state[part_of], part_of)
    assert_same(resumed["callbacks"]["EMA"], state["callbacks"]["EMA"], "EMA")
    tables = [(folder / "metrics.csv").read_text() for folder in (tmp_path / "whole", part)]
    assert tables[0] == tables[1]
    assert ",validated" in tables[0]


def test_stopped_between_two_epochs_and_then_within_the_next(tiny, tmp_path):
    _, order, _ = train(tiny, tmp_path / "whole")
    part, last, seen = tmp_path / "part", None, {}
    for at in ((0, 6), (1, 2), None):
        made, chance = callbacks(part, *([StopBetween()] if at == (0, 6) else [Interrupt(*at)] if at else []))
        with pytest.raises(Preempted) if at else nullcontext():
            tiny.trainer(part, made + logging(part, {})).fit(
                tiny.system(), datamodule=tiny.data(length=15), ckpt_path=last, weights_only=True)
        last = part / "checkpoints" / "last.ckpt"
        assert chance.seen.keys().isdisjoint(seen)
        seen |= chance.seen
    assert seen == order


class StopBetween(pl.Callback):
    """Sends a signal once the validation of the first epoch is over."""

    def on_validation_end(self, trainer, pl_module):
        os.kill(os.getpid(), signal.SIGUSR1)


class Cut(pl.Callback):
    """Ends the training within an epoch, as `trainer.max_time` does."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if (trainer.current_epoch, batch_idx) == (1, 3):
            trainer.should_stop = True


@pytest.mark.parametrize("settings", [
    {}, {"system_settings": {"accumulate": 3}}, {"val_check_interval": 2}, {"limit_val_batches": 0}])
def test_cut_and_resumed_is_bit_identical(tiny, tmp_path, settings):
    whole, order, _ = train(tiny, tmp_path / "whole", **settings)
    part = tmp_path / "part"
    _, _, state = train(tiny, part, Cut(), **settings)
    progress = state["loops"]["fit_loop"]["epoch_loop.batch_progress"]["current"]
    assert (state["epoch"], progress["ready"]) == (1, 3 if "system_settings" in settings else 4)
    again, rest, _ = train(tiny, part, checkpoint=part / "checkpoints" / "last.ckpt", seed=99, **settings)
    assert {**order, **rest} == order
    assert_same(dict(again.state_dict()), dict(whole.state_dict()))


class Fault(pl.Callback):
    """A validation that fails once."""

    def __init__(self):
        self.seen = []

    def on_validation_epoch_end(self, trainer, pl_module):
        self.seen.append(trainer.current_epoch)
        if self.seen == [0, 1]:
            raise RuntimeError("scoring fails")


def test_a_validation_that_fails_loses_nothing(tiny, tmp_path):
    """The resumed run begins with the validation."""
    whole, _, _ = train(tiny, tmp_path / "whole")
    part, fault = tmp_path / "part", Fault()
    with pytest.raises(RuntimeError, match="scoring fails"):
        train(tiny, part, fault)
    again, rest, _ = train(tiny, part, fault, checkpoint=part / "checkpoints" / "last.ckpt")
    assert fault.seen == [0, 1, 1, 2]
    assert {epoch for epoch, _ in rest} == {2}
    assert_same(dict(again.state_dict()), dict(whole.state_dict()))


@pytest.mark.parametrize(("before", "after", "left"), [(2, 1, 6), (1, 2, 4)])
def test_another_number_of_processes_goes_on_in_the_middle_of_an_epoch(tiny, tmp_path, before, after, left):
    """24 samples in batches of 2, stopped after 3 batches on each process; this is the first of them."""
    with pytest.raises(Preempted):
        tiny.trainer(tmp_path, callbacks(tmp_path, Interrupt(0, 2))[0]).fit(
            tiny.system(), datamodule=tiny.data(24, world=before))
    seen = list(ResumableSampler(24, world=1))[:3 * 2 * before]
    made, chance = callbacks(tmp_path)
    trainer = tiny.trainer(tmp_path, made, max_epochs=2)
    trainer.fit(tiny.system(), datamodule=tiny.data(24, world=after), weights_only=True,
                ckpt_path=tmp_path / "checkpoints" / "last.ckpt")
    rest = [int(name) for (epoch, _), (*names, _) in chance.seen.items() for name in names if epoch == 0]
    assert set(rest).isdisjoint(seen)
    assert len(set(rest)) == len(rest) == 2 * left
    assert [batch for epoch, batch in chance.seen if epoch == 0][-1] == 24 // after // 2 - 1
    assert len([batch for epoch, batch in chance.seen if epoch == 1]) == 24 // after // 2


@pytest.mark.parametrize(("processes", "stops"), [((1, 4, 4), (5, 8)), ((1, 4, 1), (5, 8)), ((3, 1, 4), (5, 20))])
def test_a_second_interruption_of_an_epoch_that_was_shared_anew_goes_on_at_its_place(tiny, tmp_path, processes, stops):
    """100 samples in batches of 2; by the names that the first process reads, the place in the common order."""
    place = {int(index): k for k, index in enumerate(ResumableSampler(100, world=1))}
    starts, ends, last = [], [], tmp_path / "checkpoints" / "last.ckpt"
    for attempt, world in enumerate(processes):
        made, chance = callbacks(tmp_path, *[Interrupt(0, batch) for batch in stops[attempt:attempt + 1]])
        trainer = tiny.trainer(tmp_path, made, max_epochs=1)
        with pytest.raises(Preempted) if attempt < 2 else nullcontext():
            trainer.fit(tiny.system(), datamodule=tiny.data(100, world=world), weights_only=True,
                        ckpt_path=last if attempt else None)
        seen = [place[int(name)] for (*names, _) in chance.seen.values() for name in names]
        starts.append(seen[0])
        ends.append(seen[-1] + world)
    assert starts == [0, *ends[:2]]
    assert ends[2] + 2 * processes[2] > 100


def test_data_that_grew_is_refused_in_the_middle_of_an_epoch_alone(tiny, tmp_path):
    with pytest.raises(Preempted):
        tiny.trainer(tmp_path, callbacks(tmp_path, Interrupt(1, 2))[0]).fit(tiny.system(), datamodule=tiny.data(12))
    last = tmp_path / "checkpoints" / "last.ckpt"
    with pytest.raises(TrainingStopped, match=r"14 samples, but the epoch .* has 12"):
        tiny.trainer(tmp_path, callbacks(tmp_path)[0]).fit(
            tiny.system(), datamodule=tiny.data(14), ckpt_path=last, weights_only=True)
    for length, epochs in ((12, 2), (14, 3)):
        made, chance = callbacks(tmp_path)
        tiny.trainer(tmp_path, made, max_epochs=epochs).fit(
            tiny.system(), datamodule=tiny.data(length), ckpt_path=last, weights_only=True)
    assert len(chance.seen) == 7


def test_a_periodic_checkpoint_in_mid_epoch_continues_too(tiny, tmp_path):
    """As after a crash: the checkpoint is older than what was trained."""

    class Crash(pl.Callback):
        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            if (trainer.current_epoch, batch_idx) == (1, 5):
                raise RuntimeError("crash")

    whole, _, _ = train(tiny, tmp_path / "whole")
    part = tmp_path / "part"
    made = [SeededBatches(3), EMA(0.9, recalibrate_batches=2),
            Checkpoints(part / "checkpoints", every_n_batches=3), Crash()]
    with pytest.raises(RuntimeError, match="crash"):
        tiny.trainer(part, made).fit(tiny.system(), datamodule=tiny.data(length=15))
    again, _, _ = train(tiny, part, checkpoint=part / "checkpoints" / "last.ckpt")
    assert_same(dict(again.state_dict()), dict(whole.state_dict()))


def test_a_seed_changes_the_run(tiny, tmp_path):
    results = []
    for seed in (0, 1):
        system = tiny.system()
        tiny.trainer(tmp_path, [SeededBatches(seed)], max_epochs=1).fit(system, datamodule=tiny.data())
        results.append(system.generator.colour.weight.detach())
    assert not torch.equal(*results)
