import shlex
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from semsynth.errors import ReportError
from semsynth.reporting.collect import evaluation_command, find_runs, read_run


def test_a_directory_a_folder_above_a_glob_and_a_list_find_the_same(make_run, tmp_path):
    folders = [make_run(f"sweep/norm-clade+seed-{seed}", make_run.config(seed=seed)) for seed in (0, 1)]
    make_run("pictures", scores={"miou": 0.5})
    assert find_runs(str(folders[0])) == folders[:1]
    assert find_runs(str(tmp_path / "runs" / "sweep")) == folders
    assert find_runs(f"{tmp_path}/runs/*/norm-*") == folders
    assert find_runs([str(folders[1]), f"{tmp_path}/runs/sweep"]) == folders[::-1]
    assert [run.name for run in find_runs(str(tmp_path))] == ["pictures", "norm-clade+seed-0", "norm-clade+seed-1"]


def test_what_is_read(make_run):
    run = read_run(make_run("a", make_run.config("SPADE", seed=4), {"miou": 0.5}))
    assert (run.name, run.dataset, run.seed, run.epochs, run.complexity) == ("spade", "scenes", 4, 2, None)
    assert not run.has_checkpoint
    pictures = read_run(make_run("somebodys", scores={"miou": 0.5}))
    assert (pictures.name, pictures.dataset, pictures.config) == ("somebodys", "scenes", None)


@pytest.mark.parametrize("kept", ["best.ckpt", "last.safetensors"])
def test_exports_can_be_drawn_as_trainings_can_and_what_knows_no_data_cannot(make_run, kept):
    folder = make_run("a", make_run.config(dataset__val={}))
    (folder / "checkpoints").mkdir(exist_ok=True)
    (folder / "checkpoints" / "notes.txt").touch()
    assert not read_run(folder).has_checkpoint
    (folder / "checkpoints" / kept).touch()
    assert read_run(folder).has_checkpoint
    imported = make_run("b", make_run.config())
    (imported / "checkpoints").mkdir(exist_ok=True)
    (imported / "checkpoints" / kept).touch()
    assert not read_run(imported).has_checkpoint


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("scores.json", "{", r"scores\.json cannot be read.*python evaluate\.py run="),
        ("scores.json", "[]", r"scores\.json holds no table"),
        ("scores.json", '{"format": 2, "scores": {}}', r"scores\.json is not of format 1"),
        ("complexity.json", '{"format": 1}', r"complexity\.json is not of format 1 with parameters, macs_bias"),
        ("config.yaml", "a: [", r"config\.yaml is no configuration.*take it out of runs="),
        ("config.yaml", "a: 1", r"config\.yaml is no configuration of a training"),
    ],
)
def test_a_broken_file_is_named(make_run, name, text, message):
    folder = make_run("a", make_run.config())
    (folder / name).write_text(text)
    with pytest.raises(ReportError, match=message):
        read_run(folder)


def test_nothing_to_compare(tmp_path):
    with pytest.raises(ReportError, match="nowhere: there is no such directory"):
        find_runs(str(tmp_path / "nowhere"))
    with pytest.raises(ReportError, match="holds no run directory"):
        find_runs(str(tmp_path))


def test_commands_can_be_typed(tmp_path):
    assert evaluation_command(tmp_path) == f"python evaluate.py run={tmp_path}"
    for value in ("multirun/a/norm-clade+seed-0", "my runs/0_a=1,b=2", "größe"):
        *_, word = shlex.split(evaluation_command(Path(value)))
        assert OverridesParser.create().parse_override(word).value() == value
