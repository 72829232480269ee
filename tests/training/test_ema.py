import copy
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from torch import nn
from torch.testing import assert_close

from semsynth.training.checkpoints import Checkpoints
from semsynth.training.ema import EMA, WeightAverage, _spread_batches
from semsynth.training.seeding import SeededBatches


def test_parameters_are_averaged_and_buffers_copied():
    module = nn.BatchNorm1d(2)
    nn.init.constant_(module.weight, 1.0)
    average = WeightAverage(module, 0.75, warmup=False)
    nn.init.constant_(module.weight, 5.0)
    module.running_mean.fill_(3.0)
    module.num_batches_tracked.fill_(9)
    average.update(module)
    assert_close(average.values["weight"], torch.full((2,), 0.75 * 1 + 0.25 * 5))
    assert_close(average.values["running_mean"], torch.full((2,), 3.0))
    assert average.values["num_batches_tracked"] == 9


def test_weights_in_half_precision_are_averaged_in_float32():
    """An update of a thousandth of the difference is less than bfloat16 tells apart."""
    module = nn.Linear(1, 1, bias=False).to(torch.bfloat16)
    nn.init.constant_(module.weight, 1.0)
    average = WeightAverage(module, 0.999, warmup=False)
    nn.init.constant_(module.weight, 2.0)
    for _ in range(3):
        average.update(module)
    assert_close(average.values["weight"].float(), torch.tensor([[2 - 0.999 ** 3]]))


def test_warmup_forgets_the_start():
    module = nn.Linear(1, 1)
    average = WeightAverage(module, 0.999)
    nn.init.constant_(module.weight, 4.0)
    start = average.values["weight"].clone()
    average.update(module)
    assert_close(average.values["weight"], start * 2 / 11 + 4.0 * 9 / 11)


def test_exchange_swaps_and_swaps_back():
    module = nn.Linear(2, 2)
    average = WeightAverage(module, 0.5)
    nn.init.zeros_(module.weight)
    before = average.values["weight"].clone()
    average.exchange(module)
    assert torch.equal(module.weight, before)
    average.exchange(module)
    assert torch.equal(module.weight, torch.zeros(2, 2))
    assert torch.equal(average.values["weight"], before)


def test_an_average_in_float32_is_not_rounded_on_its_way_through_a_network_of_half_precision():
    module = nn.BatchNorm1d(1).to(torch.bfloat16)
    average = WeightAverage(module, 0.999, warmup=False)
    nn.init.constant_(module.weight, 2.0)
    average.update(module)
    average.exchange(module)
    module.running_mean.fill_(3.0)  # estimated anew
    average.exchange(module)
    assert_close(average.values["weight"], torch.tensor([1.001]))
    assert average.values["running_mean"] == 3
    assert (module.running_mean, module.weight) == (0, 2)


class Watch(pl.Callback):
    """Keeps the generator's weights inside and outside of validation."""

    def __init__(self, fail: bool = False) -> None:
        self.fail, self.inside, self.before = fail, [], None

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.before = pl_module.generator.colour.weight.detach().clone()

    def on_validation_batch_start(self, trainer, pl_module, batch, batch_idx, dataloader_idx=0):
        self.inside.append(pl_module.generator.colour.weight.detach().clone())
        if self.fail:
            raise RuntimeError("the validation fails")


def test_validation_sees_the_average(tiny, tmp_path):
    ema, watch = EMA(0.9), Watch()
    system = tiny.system()
    tiny.trainer(tmp_path, [ema, watch], max_epochs=1).fit(system, datamodule=tiny.data())
    assert torch.equal(watch.inside[0], ema.state_dict()["generator"]["colour.weight"])
    assert not torch.equal(watch.inside[0], watch.before)
    assert torch.equal(system.generator.colour.weight, watch.before)
    assert set(ema.state_dict()) == {"updates", "generator", "encoder"}
    assert ema.state_dict()["updates"] == 6


def test_the_average_moves_with_optimizer_steps_only(tiny, tmp_path):
    """Six batches, two to a step: at a decay of one half, without warm-up, an eighth of the start is left."""
    class Steps(pl.Callback):
        def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
            if pl_module.stepped:
                stepped.append(pl_module.generator.colour.weight.detach().clone())

    ema, system, stepped = EMA(0.5, warmup=False), tiny.system(accumulate=2), []
    start = system.generator.colour.weight.detach().clone()
    tiny.trainer(tmp_path, [Steps(), ema], max_epochs=1, limit_val_batches=0).fit(system, datamodule=tiny.data())
    assert ema.state_dict()["updates"] == len(stepped) == 3
    assert_close(ema.state_dict()["generator"]["colour.weight"],
                 start / 8 + stepped[0] / 8 + stepped[1] / 4 + stepped[2] / 2)


def test_a_failing_validation_gives_the_weights_back(tiny, tmp_path):
    ema, watch = EMA(0.9), Watch(fail=True)
    system = tiny.system()
    with pytest.raises(RuntimeError, match="validation fails"):
        tiny.trainer(tmp_path, [ema, watch], max_epochs=1).fit(system, datamodule=tiny.data())
    assert torch.equal(system.generator.colour.weight, watch.before)
    ema.state_dict()  # refuses while they are swapped


def test_recalibration_estimates_the_statistics_of_the_average(tiny, tmp_path):
    """The running mean becomes the mean over the training batches of what reaches the norm."""
    ema = EMA(0.9, recalibrate_batches=6)
    system = tiny.system(encoder=False)
    nn.init.zeros_(system.generator.style.weight)
    system.generator.style.weight.requires_grad_(False)
    data = tiny.data()
    tiny.trainer(tmp_path, [SeededBatches(0), ema], max_epochs=1).fit(system, datamodule=data)
    state = ema.state_dict()["generator"]
    system.generator.load_state_dict(state)
    pairs = tiny.pairs(12)
    labels = torch.stack([pairs[i]["labels"] for i in range(12)])
    reached = system.generator.colour(labels) + system.generator.style.bias
    assert_close(state["norm.running_mean"], reached.mean((0, 1, 2)))
    assert system.generator.norm.momentum == 0.1


def test_the_averages_of_a_checkpoint_go_on(tiny, tmp_path):
    class Start(pl.Callback):
        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            if batch_idx == 0:
                began.update({name: value.clone() for name, value in second.state_dict()["generator"].items()},
                             updates=second.state_dict()["updates"])

    first, second, began = EMA(0.9), EMA(0.9), {}
    tiny.trainer(tmp_path, [first], max_epochs=1, limit_val_batches=0).fit(tiny.system(), datamodule=tiny.data())
    state = copy.deepcopy(first.state_dict())
    second.load_state_dict(first.state_dict())
    tiny.trainer(tmp_path, [second, Start()], max_epochs=1, limit_val_batches=0).fit(tiny.system(),
                                                                                     datamodule=tiny.data())
    assert_close(began, {"updates": 6, **state["generator"]}, rtol=0, atol=0)
    assert second.state_dict()["updates"] == 12


def test_without_decay_there_is_nothing(tiny, tmp_path):
    ema = EMA(None)
    tiny.trainer(tmp_path, [ema], max_epochs=1).fit(tiny.system(), datamodule=tiny.data())
    assert ema.state_dict() == {}


@pytest.mark.parametrize("decay", [-0.5, 1.0, 1.5])
def test_a_decay_out_of_range_is_refused(decay):
    EMA(0.0)
    with pytest.raises(ValueError, match=rf"\[0, 1\), got {decay}"):
        EMA(decay)


class MidEpoch(pl.Callback):
    """Keeps the state of the averages as a checkpoint after the third batch holds it, or a validation after it."""

    def __init__(self, path):
        self.path, self.written, self.validated = path, None, None

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if batch_idx == 2:
            before = {name: value.clone() for name, value in pl_module.state_dict().items()}
            chance = torch.get_rng_state()
            trainer.save_checkpoint(self.path)
            assert torch.equal(torch.get_rng_state(), chance)
            assert all(torch.equal(value, before[name]) for name, value in pl_module.state_dict().items())
            assert all(module.training for module in pl_module.modules())
            self.written = torch.load(self.path, weights_only=True)["callbacks"]["EMA"]["generator"]

    def on_validation_end(self, trainer, pl_module):
        if self.validated is None:
            averages = next(c for c in trainer.callbacks if isinstance(c, EMA))
            self.validated = {name: value.clone() for name, value in averages.state_dict()["generator"].items()}


def test_statistics_in_a_checkpoint_fit_the_averages_wherever_a_run_stops(tiny, tmp_path):
    """Those of a checkpoint in the middle of an epoch are what a validation would have estimated there."""
    watch = MidEpoch(tmp_path / "mid.ckpt")
    system = tiny.system()
    tiny.trainer(tmp_path, [SeededBatches(0), EMA(0.9, recalibrate_batches=4), watch], max_epochs=1,
                 val_check_interval=3).fit(system, datamodule=tiny.data())
    for name, value in watch.validated.items():
        assert torch.equal(watch.written[name], value), name
    assert not torch.equal(watch.written["norm.running_mean"], system.generator.norm.running_mean)


def test_statistics_are_estimated_once_for_an_update(tiny, tmp_path, monkeypatch):
    """The checkpoint before a validation, the validation and the checkpoint after it share them."""
    drawn = []
    monkeypatch.setattr("semsynth.training.ema._spread_batches",
                        lambda loader, count, rank, world: drawn.append(count) or [])
    callbacks = [EMA(0.9, recalibrate_batches=4), Checkpoints(tmp_path)]
    tiny.trainer(tmp_path, callbacks, max_epochs=2).fit(tiny.system(), datamodule=tiny.data())
    assert drawn == [4, 4]


@pytest.mark.parametrize("world", [1, 2])
def test_each_batch_is_of_the_whole_set(world):
    """Of a sorted set with two kinds of samples half of every batch is of either; processes share it out."""
    loader = SimpleNamespace(dataset=range(96), batch_size=8 // world, collate_fn=list)
    batches = [[*_spread_batches(loader, 3, rank, world)] for rank in range(world)]
    whole = [[*_spread_batches(SimpleNamespace(dataset=range(96), batch_size=8, collate_fn=list), 3, 0, 1)]]
    for k in range(3):
        joined = sorted(index for rank in batches for index in rank[k])
        assert joined == whole[0][k]
        assert sum(index < 48 for index in joined) == 4
        assert all(len(rank[k]) == 8 // world for rank in batches)
        assert [joined[j::world] for j in range(world)] == [rank[k] for rank in batches]
    drawn = sorted(index for batch in whole[0] for index in batch)
    assert drawn[0] == 0
    assert drawn[-1] == 95
    assert len({*drawn}) == 24
