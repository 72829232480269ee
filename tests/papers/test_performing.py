"""Studies from their jobs to their pages, with commands that are stood in for."""

import json
import os
from pathlib import Path

import hydra.utils
import pytest
from commands import ROOT

from semsynth.commands import train
from semsynth.errors import ConfigError, DataError, StudyError, WritingError
from semsynth.papers.performing import gather, perform
from semsynth.papers.request import asked_for
from semsynth.papers.results import Section, Table
from semsynth.papers.steps import Place, steps_of

STUDY = """study:
  title: Two norms
  source: A paper, Table I
  differs: [All of it.]
  train: [{{dataset: scenes, norm: "spade,clade", seed: "0,1"}}]
  score: {{protocol: scenes}}
  measure: [{{dataset: ade20k, norm: "spade,clade"}}]
  output: {{_target_: {output}}}
  minutes: {{train: 6, score: 1, measure: 1}}
"""


def output():
    """An output that lists what it gets; built by its dotted name."""
    return lambda results: [Section("Found", "text", Table(["run"], [[run.directory.name] for run in results.runs])),
                            Section("Records", table=Table(["n"], [[str(len(results.records))]]))]


class Commands:
    """Stands in for train.py, evaluate.py and tools/complexity.py; jobs with a word of `broken` in their name fail."""

    def __init__(self, plans):
        self.calls, self.broken, self.plans = [], "nothing", plans

    def __call__(self, command):
        self.calls.append(command)
        words = dict(word.split("=", 1) for word in command if "=" in word)
        if command[0] == "train":
            jobs = self.jobs("train")
        elif command[0] == "evaluate":
            jobs = [Path(run) for run in words["run"].split(",")]
        else:
            jobs = [Path(words["run_dir"])] if "run_dir" in words else self.jobs("measure")
        fine = [job for job in jobs if self.broken not in job.name]
        for job in fine:
            job.mkdir(parents=True, exist_ok=True)
            if command[0] == "train":
                (job / "finished").write_text("5\n")
            elif command[0] == "evaluate":
                (job / "scores.json").write_text('{"format": 1, "scores": {}, "protocol": {"name": "scenes"}}')
            else:
                record = {"format": 1, "parameters": {}, "macs_bias": {}}
                (job / "complexity.json").write_text(json.dumps(record))
        return int(len(fine) < len(jobs))

    def jobs(self, kind):
        return [job for step in steps_of(self.plans, Place()) if step.kind == kind for job in step.jobs]


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "stand_in", type(os)("stand_in"))
    __import__("sys").modules["stand_in"].output = output
    Path("experiments").mkdir()
    Path("experiments/pair.yaml").write_text(STUDY.format(output="stand_in.output"))
    request = asked_for(["experiments=pair", "study.folder=results"])
    commands = Commands(request.studies[0])
    return commands, lambda: perform(request, hydra.utils.instantiate, commands)


def test_a_study_runs_its_steps_and_started_again_none(study, capsys):
    commands, run = study
    assert run()
    assert [command[0] for command in commands.calls] == ["train", "evaluate", "complexity"]
    assert "4 trainings; about 30 min left" in capsys.readouterr().out
    page = Path("results/pair.md").read_text()
    assert "Missing" not in page
    assert "dataset-scenes+norm-clade+seed-1" in page
    assert Path("results/pair.csv").read_text().count("\n") == 5
    assert Path("results/pair_records.csv").read_text() == "n\n2\n"
    assert "[pair](pair.md): Two norms; A paper, Table I" in Path("results/README.md").read_text()
    assert run()
    assert len(commands.calls) == 3


def test_what_fails_is_told_and_the_rest_goes_on(study, capsys):
    commands, run = study
    commands.broken = "norm-spade"
    assert not run()
    assert [command[0] for command in commands.calls] == ["train", "evaluate", "complexity"]
    assert "seed-1" in commands.calls[1][-2]
    assert "norm-spade" not in commands.calls[1][-2]
    page = Path("results/pair.md").read_text()
    assert page.count(": not trained; `python train.py -m") == 2
    assert page.count(": not measured; `python tools/complexity.py run_dir=") == 1
    assert "missing: multirun/scenes/dataset-scenes+norm-spade+seed-0: not trained" in capsys.readouterr().out
    commands.broken = "nothing"
    assert run()
    assert [command[0] for command in commands.calls[3:]] == ["train", "evaluate", "complexity"]
    assert any(word.startswith("run_dir=") for word in commands.calls[-1])  # a sweep would measure CLADE again


def test_scores_of_another_protocol_are_not_shown(study):
    """They lie where a study keeps its own: where these cannot be taken, the table has none."""
    commands, run = study
    assert run()
    steps, one = steps_of(commands.plans, Place()), Path("multirun/scenes/dataset-scenes+norm-spade+seed-1")
    (one / "scores.json").write_text('{"format": 1, "scores": {"miou": 0.9}, "protocol": {"name": "clade"}}')
    commands.broken = "seed-1"
    assert not run()
    found = gather(commands.plans, steps, Path("results"), False).runs
    assert [r.directory for r in found if r.scores is None] == [one]
    assert len(found) == 4


def test_showing_does_nothing(study, capsys):
    commands, _ = study
    assert perform(asked_for(["experiments=pair", "--help"]), hydra.utils.instantiate, commands)
    out = capsys.readouterr().out
    assert "norm=spade,clade seed=0,1" in out
    assert "4 to train" in out
    assert commands.calls == []
    assert not Path("results").exists()


def test_the_page_tells_the_words_that_made_it(study):
    """Its sentences of sizes and lengths were written without them."""
    _, run = study
    assert run()
    page = Path("results/pair.md").read_text()
    assert "`python train.py experiments=pair` makes this page" in page
    assert "With words of its own" not in page
    request = asked_for(["experiments=pair", "-m", "size=32", "study.folder=results", "hydra/launcher=slurm"])
    perform(request, hydra.utils.instantiate, Commands(request.studies[0]))
    page = Path("results/pair.md").read_text()
    assert "`python train.py experiments=pair size=32` makes this page" in page
    assert "With words of its own" in page


@pytest.mark.parametrize(("word", "said"), [
    ("nrom=spade", "nrom: there is no such key; did you mean norm"),
    ("norm=spad", "norm=spad: there is no such choice")])
def test_words_that_no_training_takes_are_refused_before_a_page_is_lost(word, said, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("semsynth.papers.performing.perform", lambda *_, **__: pytest.fail("it was begun"))
    with pytest.raises(ConfigError, match=said):
        train.study(["experiments=table1_scenes", word])


@pytest.mark.parametrize("word", ["study.score.bogus=1", "study.cost.devise=cpu", "study.measure.repeat=1"])
def test_words_that_another_step_does_not_take_are_refused_at_once(word, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("semsynth.papers.performing.perform", lambda *_, **__: pytest.fail("it was begun"))
    with pytest.raises(ConfigError, match=f"{word.split('.')[-1].split('=')[0]}: there is no such key"):
        train.study(["experiments=table1_scenes,table2_scenes", word, "--help"])


def test_a_study_that_could_not_train_is_refused_before_any_job(study):
    commands, _ = study
    request = asked_for(["experiments=pair", "study.folder=results"])

    def rehearse(words):
        assert words == ("dataset=scenes", "norm=spade,clade", "seed=0,1")
        raise DataError("there is no folder data/scenes")

    said = ("pair: nothing was begun, for no training could start\n\n.*seed=0,1\nthere is no folder data/scenes\n\n"
            "More may be missing than is told: `python tools/weights.py dataset=scenes` list")
    with pytest.raises(StudyError, match=said):
        perform(request, hydra.utils.instantiate, commands, rehearse)
    assert commands.calls == []
    Path("multirun/scenes").mkdir(parents=True)
    for job in commands.jobs("train"):
        job.mkdir()
        (job / "finished").write_text("5\n")
    assert perform(request, hydra.utils.instantiate, commands, rehearse)  # nothing is to be trained


def test_what_machines_of_a_cluster_hold_is_not_looked_for_here(study):
    commands, _ = study
    request = asked_for(["experiments=pair", "study.folder=results", "hydra/launcher=slurm"])
    assert perform(request, hydra.utils.instantiate, commands, lambda words: pytest.fail("it was looked for"))


def test_what_of_a_study_could_not_train_is_told_and_the_rest_goes_on(study, capsys):
    commands, _ = study
    text = Path("experiments/pair.yaml").read_text().replace("{dataset: scenes,", '{dataset: "scenes,camvid,ade20k",')
    Path("experiments/pair.yaml").write_text(text)

    def rehearse(words):
        if words[0] != "dataset=camvid":
            raise DataError("it is missing")

    request = asked_for(["experiments=pair", "study.folder=results"])
    commands.plans = request.studies[0]
    perform(request, hydra.utils.instantiate, commands, rehearse)
    said = capsys.readouterr().out
    words = "norm=spade,clade seed=0,1\n"
    assert f"go on\npython train.py dataset=scenes {words}python train.py dataset=ade20k {words}it is missing" in said
    assert said.index("it is missing") < said.index("-- 4 trainings")
    assert [words[-3:] for name, *words in commands.calls if name == "train"] == [
        ["dataset=camvid", "norm=spade,clade", "seed=0,1"]]  # the others are not begun


def test_a_folder_that_cannot_be_written_is_told_before_any_job(study):
    commands, _ = study
    Path("file").touch()
    request = asked_for(["experiments=pair", "study.folder=file/results"])
    with pytest.raises(WritingError, match="file/results"):
        perform(request, hydra.utils.instantiate, commands)
    assert commands.calls == []


def test_data_and_values_are_looked_for(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEMSYNTH_DATA", str(tmp_path))
    monkeypatch.setattr("semsynth.papers.processes.subprocess.Popen", lambda *_, **__: pytest.fail("it was begun"))
    for words, said in (("dataset=camvid loss=spade_no_vgg", "there is no folder"),
                        ("dataset=scenes trainer.precision=half", "trainer.precision")):
        with pytest.raises(StudyError, match=f"nothing was begun(.|\n)*{said}"):
            train.study(["experiments=table1_scenes", *words.split(), "study.folder=results"])


def test_an_interrupted_study_says_how_to_go_on(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("semsynth.papers.performing.perform", interrupted)
    with pytest.raises(SystemExit, match="130"):
        train.study(["experiments=table1_scenes"])
    assert "the same command goes on" in capsys.readouterr().err
