import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from commands import composed

from semsynth import config, runs
from semsynth.errors import ReportError
from semsynth.papers.curves import _rows, at, parts_of, read_curve
from semsynth.papers.iteration_time import iteration_seconds
from semsynth.papers.trained import matched
from semsynth.reporting.collect import Run

CURVE = np.array([(200, 40.0), (400, 60.0), (600, 70.0)])


def test_between_two_epochs_a_curve_is_a_line():
    assert [at(CURVE, k) for k in (100, 200, 300, 600, 900)] == [40, 40, 50, 70, 70]


def test_the_slower_setting_is_read_earlier_at_equal_time():
    """CLADE's 600 iterations take 600 s; in that time SPADE has 300, not 1,200."""
    curves = {"clade": [{"score/miou": CURVE}, {"score/miou": CURVE + np.array([0, 1])}],
              "spade": [{"score/miou": CURVE}, {"score/miou": CURVE + np.array([0, 2])}]}
    by_iterations, by_time = _rows(curves, {"clade": 1.0, "spade": 2.0})
    assert by_iterations[1:4:2] == ["600 iterations", "71.00 ± 12.71"]
    assert by_iterations[2].startswith("70.50 ")
    assert by_time[1:3] == ["600 s of CPU", by_iterations[2]]
    assert by_time[3].startswith("51.00 ")


def test_a_curve_counts_iterations_from_one_and_percents(tmp_path):
    (tmp_path / "metrics.csv").write_text("step,epoch,score/miou,loss\n199,0,,1.5\n199,0,0.5,\n399,1,0.75,\n")
    curve = read_curve(Run(tmp_path, {}, None, None, 2))
    assert curve.keys() == {"score/miou"}
    assert curve["score/miou"].tolist() == [[200, 50], [400, 75]]


def test_a_run_without_scores_is_named(tmp_path):
    (tmp_path / "metrics.csv").write_text("step,epoch,loss\n199,0,1.5\n")
    with pytest.raises(ReportError, match=r"metrics\.csv holds no scores"):
        read_curve(Run(tmp_path, {}, None, None, 2))


def test_runs_whose_checkpoints_were_deleted_keep_their_curves(tmp_path):
    def run(norm, seed):
        cfg = composed("train", "dataset=scenes", f"norm={norm}", f"seed={seed}", f"run_dir={tmp_path}")
        return Run(tmp_path / f"{norm}{seed}", config.finalize(cfg), None, None, 2)

    runs_found = [run(norm, seed) for norm in ("clade", "spade") for seed in (0, 1)]
    names = {run.name for run in runs_found}
    first, second = sorted(names)
    assert [(a.seed, b.seed) for a, b in matched(runs_found, first, second, drawn=False)] == [(0, 0), (1, 1)]
    with pytest.raises(ReportError, match="got 0"):
        matched(runs_found, first, second)


class Nothing(pl.LightningModule):
    """Trains nothing, and notes the threads that there are."""

    def __init__(self):
        super().__init__()
        self.threads = set()

    def training_step(self, batch, index):
        self.threads.add(torch.get_num_threads())

    def configure_optimizers(self):
        return None


class Data(pl.LightningDataModule):
    def __init__(self, count):
        super().__init__()
        self.count = count

    def train_dataloader(self):
        return list(range(self.count))


def test_rounds_of_warm_up_alone_are_refused():
    with pytest.raises(ValueError, match="5 iterations or fewer"):
        iteration_seconds({"a": (Nothing(), Data(3))}, rounds=1)


def test_iterations_are_timed_on_one_thread():
    """CPU seconds of several threads count their waiting for each other."""
    before, system = torch.get_num_threads(), Nothing()
    torch.set_num_threads(2)
    try:
        assert iteration_seconds({"a": (system, Data(8))}, rounds=1).keys() == {"a"}
        assert (system.threads, torch.get_num_threads()) == ({1}, 2)
    finally:
        torch.set_num_threads(before)


def test_what_is_timed_logs_and_keeps_nothing(tmp_path):
    """A logger would write on in the finished run, W&B's even open it again."""
    small = ["size=16", "generator.ngf=2", "generator.upsamplings=2"]
    runs.save_config(config.finalize(composed("train", *small, "logger=wandb", f"run_dir={tmp_path}")))
    before = sorted(tmp_path.rglob("*"))
    system, _ = parts_of(Run(tmp_path, {}, None, None, 2))
    assert system.generator.size == (16, 16)
    assert sorted(tmp_path.rglob("*")) == before
