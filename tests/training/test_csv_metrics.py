import os

import pytest

from semsynth.errors import WritingError
from semsynth.training import csv_metrics, launch
from semsynth.training.csv_metrics import CsvMetrics, Rows
from semsynth.training.logging_interval import LogEveryEpoch
from semsynth.weights.files import write_with


def lines(path):
    return path.read_text().splitlines()


def test_new_metrics_add_columns(tmp_path):
    table = CsvMetrics(tmp_path / "run" / "metrics.csv")
    table.log_metrics({"a": 1.0}, step=0)
    table.log_metrics({"a": 2.0, "b": 3.0}, step=1)
    assert lines(tmp_path / "run" / "metrics.csv") == ["step,a,b", "0,1.0,", "1,2.0,3.0"]


def test_a_resumed_run_goes_on_behind_the_rows_of_its_checkpoint(tmp_path):
    """Also where a row of losses and one of scores are of the same step, and the checkpoint stands between them."""
    path = tmp_path / "metrics.csv"
    first = CsvMetrics(path)
    first.log_metrics({"loss": 1.0}, step=9)
    state = Rows(first).state_dict()
    first.log_metrics({"score": 5.0}, step=9)
    first.log_metrics({"loss": 2.0}, step=10)
    again = CsvMetrics(path)
    rows = Rows(again)
    rows.load_state_dict(state)
    rows.on_train_start(None, None)
    again.log_metrics({"score": 7.0}, step=9)
    assert lines(path) == ["step,loss,score", "9,1.0,", "9,,7.0"]


def test_what_a_run_left_that_had_no_checkpoint_yet_is_taken_out(tmp_path):
    CsvMetrics(tmp_path / "metrics.csv").log_metrics({"a": 1.0}, step=0)
    again = CsvMetrics(tmp_path / "metrics.csv")
    Rows(again).on_train_start(None, None)
    again.log_metrics({"a": 2.0}, step=0)
    assert lines(tmp_path / "metrics.csv") == ["step,a", "0,2.0"]


@pytest.mark.parametrize(("torn", "kept"), [
    ("step,a,b\n0,1.0,2.0\n1,3.", ["step,a,b", "0,1.0,2.0"]),
    ("step,a,b\n0,1.0,2.0\n1,3.0,4.0", ["step,a,b", "0,1.0,2.0"]),  # its last number may have been longer
    ("step,a,b\n0,1.0,2.0\n\0\0\0\0", ["step,a,b", "0,1.0,2.0"]),
    ('step,a,b\n0,1.0,2.0\n1,3.0,"4.0\n2,9.0,9.0\n', ["step,a,b", "0,1.0,2.0"]),  # the third is not of the first two
    pytest.param("step,a,b\n0,1.0,2.0\n" + "x" * 200_000 + "\n2,9.0,9.0\n", ["step,a,b", "0,1.0,2.0"], id="long"),
    ("no table\n", None),
])
def test_a_torn_file_is_mended_or_named(tmp_path, capsys, torn, kept):
    path = tmp_path / "metrics.csv"
    path.write_text(torn)
    table = CsvMetrics(path)
    table.keep(2)
    if kept is None:
        assert "it has become metrics.csv.damaged" in capsys.readouterr().out
        assert (tmp_path / "metrics.csv.damaged").read_text() == torn
    else:
        assert "holds 1 whole rows, but 2 were written" in capsys.readouterr().out
        table.log_metrics({"a": 5.0, "b": 6.0}, step=1)
        assert lines(path) == [*kept, "1,5.0,6.0"]


@pytest.mark.parametrize("kill", ["write", "os.replace", "os.fsync"])
def test_a_kill_while_the_table_is_rewritten_loses_no_row(tmp_path, kill):
    """In another process, which ends at the first call of a function, as by SIGKILL."""
    path = tmp_path / "metrics.csv"
    table = CsvMetrics(path)
    table.log_metrics({"a": 1.0}, step=0)
    before = path.read_text()
    child = os.fork()
    if not child:
        ends = lambda *_: os._exit(9)  # noqa: E731
        if kill == "write":
            csv_metrics.write_text = lambda path, text: write_with(path, lambda f: (f.write(b"st"), f.flush(), ends()))
        else:
            setattr(os, kill.removeprefix("os."), ends)
        table.log_metrics({"a": 2.0, "new": 3.0}, step=1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert path.read_text() == before


def test_a_full_disk_is_said_and_leaves_whole_rows(tmp_path, small_files):
    path = tmp_path / "metrics.csv"
    table = CsvMetrics(path)
    table.log_metrics({"a": 1.0}, step=0)
    before = path.read_text()
    with small_files(len(before) + 3), pytest.raises(WritingError, match=r"metrics.csv cannot be written, no space"):
        table.log_metrics({"a": 2.0}, step=1)
    assert path.read_text() == before


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
