import pytest

from semsynth.training import launch
from semsynth.training.csv_metrics import CsvMetrics
from semsynth.training.logging_interval import LogEveryEpoch


def lines(path):
    return path.read_text().splitlines()


def test_new_metrics_add_columns(tmp_path):
    table = CsvMetrics(tmp_path / "run" / "metrics.csv")
    table.log_metrics({"a": 1.0}, step=0)
    table.log_metrics({"a": 2.0, "b": 3.0}, step=1)
    assert lines(tmp_path / "run" / "metrics.csv") == ["step,a,b", "0,1.0,", "1,2.0,3.0"]


def test_a_resumed_run_goes_on_and_drops_what_it_repeats(tmp_path):
    path = tmp_path / "metrics.csv"
    first = CsvMetrics(path)
    for step in range(4):
        first.log_metrics({"a": float(step)}, step=step)
    CsvMetrics(path).log_metrics({"a": 20.0}, step=2)
    assert lines(path) == ["step,a", "0,0.0", "1,1.0", "2,20.0"]


@pytest.mark.parametrize("scored_before", [False, True])
def test_a_resumed_run_that_begins_with_a_validation_keeps_the_losses_of_the_last_batch(tmp_path, scored_before):
    path = tmp_path / "metrics.csv"
    first = CsvMetrics(path)
    first.log_metrics({"epoch": 0, "loss": 1.0}, step=9)
    if scored_before:  # it failed behind the validation
        first.log_metrics({"epoch": 0, "score": 5.0}, step=9)
        first.log_metrics({"epoch": 1, "loss": 1.0}, step=10)
    CsvMetrics(path).log_metrics({"epoch": 0, "score": 7.0}, step=9)
    assert lines(path) == ["step,epoch,loss,score", "9,0,1.0,", "9,0,,7.0"]


def test_steps_count_batches(tiny, tmp_path):
    path = tmp_path / "metrics.csv"
    trainer = tiny.trainer(tmp_path, logger=CsvMetrics(path), log_every_n_steps=2, max_epochs=2)
    trainer.fit(tiny.system(), datamodule=tiny.data())  # 6 batches an epoch
    assert [line.split(",")[0] for line in lines(path)] == ["step", "1", "3", "5", "7", "9", "11"]
    assert "loss/generator/kl" in lines(path)[0]


@pytest.mark.parametrize(("every", "steps"), [(10, ["5", "11"]), (4, ["3", "7", "11"])])
def test_a_short_epoch_has_a_row(tiny, tmp_path, recwarn, every, steps):
    path = tmp_path / "metrics.csv"
    trainer = tiny.trainer(tmp_path, [LogEveryEpoch()], logger=CsvMetrics(path), log_every_n_steps=every, max_epochs=2)
    launch.fit(trainer, tiny.system(), tiny.data(), None)
    assert [line.split(",")[0] for line in lines(path)[1:]] == steps
    assert not [w for w in recwarn if "logging interval" in str(w.message)]
