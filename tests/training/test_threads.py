"""The number of threads of a training."""

from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch

from semsynth import threads as choosing
from semsynth.training import threads
from semsynth.training.forecast import Forecast
from semsynth.training.threads import TrainingThreads


@pytest.fixture
def two_cores(monkeypatch):
    """Two cores, no choice in the environment, and a clock by which two threads take twice the time of one."""
    monkeypatch.setattr(choosing, "cores", lambda: 2)
    monkeypatch.setattr(threads, "cores", lambda: 2)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    now = [0.0]

    def clock():
        now[0] += torch.get_num_threads()
        return now[0]

    monkeypatch.setattr(choosing.Choice.__init__, "__kwdefaults__",
                        {**choosing.Choice.__init__.__kwdefaults__, "clock": clock})
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield now
    torch.set_num_threads(before)


class Numbers(TrainingThreads):
    """Notes how many threads each batch had."""

    def __init__(self, *args):
        super().__init__(*args)
        self.seen = []

    def on_train_batch_start(self, *args):
        super().on_train_batch_start(*args)
        self.seen.append(torch.get_num_threads())


def fit(tiny, path, callback, *more, epochs=3, checkpoint=None, **settings):
    trainer = tiny.trainer(path, [callback, *more], max_epochs=epochs)
    trainer.fit(tiny.system(**settings), datamodule=tiny.data(), ckpt_path=checkpoint, weights_only=True)
    trainer.save_checkpoint(path / "last.ckpt")
    return callback.seen


def test_the_first_steps_choose(two_cores, tiny, tmp_path, capsys):
    """18 batches with validation between them; the process has its two threads again afterwards."""
    assert fit(tiny, tmp_path, Numbers()) == [1, 1, 2, 2, 2, 1, 1, 2] + [1] * 10
    said = [line for line in capsys.readouterr().out.splitlines() if "threads" in line]
    assert said == ["1 thread: 1 iterations/s, 2 threads: 0.5 iterations/s: takes 1; threads=N fixes it"]
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(("hook", "samples"), [("on_validation_end", 4), ("on_train_epoch_start", 2)])
def test_what_lies_between_steps_does_not_count(two_cores, tiny, tmp_path, hook, samples):
    """A day for each validation, or for what begins an epoch, while one thread is tried."""
    class Pause(pl.Callback):
        pass

    def wait(*_):
        two_cores[0] += 1e5 * (torch.get_num_threads() == 1)

    setattr(Pause, hook, wait)
    settings = {"val_check_interval": 1} if "validation" in hook else {"limit_val_batches": 0}
    trainer = tiny.trainer(tmp_path, [made := Numbers(), Pause()], max_epochs=10, **settings)
    trainer.fit(tiny.system(), datamodule=tiny.data(samples))  # in batches of two
    assert made.seen[-1] == 1


def test_a_step_of_several_batches_has_one_number(two_cores, tiny, tmp_path):
    seen = fit(tiny, tmp_path, Numbers(), accumulate=2, epochs=2)
    assert seen == [1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 1, 1]


def test_a_resumed_run_goes_on_with_its_number(two_cores, tiny, tmp_path):
    fit(tiny, tmp_path, Numbers(), epochs=2)
    assert fit(tiny, tmp_path, Numbers(), checkpoint=tmp_path / "last.ckpt") == [1] * 6


def test_before_the_choice_there_is_no_number_to_go_on_with(two_cores, tiny, tmp_path):
    fit(tiny, tmp_path, Numbers(), epochs=1)
    assert fit(tiny, tmp_path, Numbers(), checkpoint=tmp_path / "last.ckpt")[:4] == [1, 1, 2, 2]


def test_a_number_beyond_this_machine_is_chosen_anew(two_cores, tiny, tmp_path, capsys):
    callback = Numbers()
    fit(tiny, tmp_path, callback, epochs=2)
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)
    state["callbacks"][callback.state_key]["threads"] = 64
    torch.save(state, tmp_path / "last.ckpt")
    assert fit(tiny, tmp_path, Numbers(), checkpoint=tmp_path / "last.ckpt") == [1, 1, 2, 2, 2, 1]
    assert "64 threads before, but 2 cores here" in capsys.readouterr().out


def test_who_gives_a_number_has_it(two_cores, tiny, tmp_path, monkeypatch):
    fit(tiny, tmp_path, Numbers(), epochs=2)
    assert fit(tiny, tmp_path, Numbers(2), checkpoint=tmp_path / "last.ckpt") == [2] * 6
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    fit(tiny, tmp_path, Numbers(1), epochs=2)
    torch.set_num_threads(2)
    assert fit(tiny, tmp_path, Numbers(), checkpoint=tmp_path / "last.ckpt") == [2] * 6


def test_more_than_there_are_cores_are_taken_with_a_word(two_cores, tiny, tmp_path, capsys):
    assert fit(tiny, tmp_path, Numbers(3), epochs=1)[0] == 3
    assert "threads=3 on 2 cores" in capsys.readouterr().out


@pytest.mark.parametrize(("device", "nodes", "each", "compiled", "threads"), [
    ("cuda", 1, 1, False, 2), ("cpu", 1, 2, False, 1), ("cpu", 2, 1, False, 2), ("cpu", 1, 1, True, 2)])
def test_what_is_not_timed(two_cores, tiny, device, nodes, each, compiled, threads):
    """Processes of one machine share its cores."""
    callback = TrainingThreads()
    strategy = SimpleNamespace(root_device=torch.device(device))
    trainer = SimpleNamespace(world_size=nodes * each, num_devices=each, strategy=strategy)
    callback.on_train_start(trainer, tiny.system(compile=compiled))
    assert not callback.choosing
    assert callback.state_dict() == {"threads": None}
    assert torch.get_num_threads() == threads


def test_a_failure_leaves_the_process_as_it_was(two_cores, tiny, tmp_path):
    class Fault(Numbers):
        def on_train_batch_end(self, *args):
            super().on_train_batch_end(*args)
            if len(self.seen) == 1:  # under one thread
                raise RuntimeError("fault")

    with pytest.raises(RuntimeError, match="fault"):
        fit(tiny, tmp_path, Fault())
    assert torch.get_num_threads() == 2


def test_the_forecast_waits_for_the_choice(two_cores, tiny, tmp_path, capsys):
    fit(tiny, tmp_path, Numbers(), Forecast(batches=3, seconds=1000.0))
    lines = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "1 thread"
    assert lines[1].startswith("about")
