"""The jobs of the studies in experiments/, before any is started."""

import json
import os
from pathlib import Path

import hydra.utils
import pytest
from commands import composed
from hydra.core.override_parser.overrides_parser import OverridesParser

from semsynth import config, runs
from semsynth.errors import ReportError
from semsynth.papers import steps, study
from semsynth.papers.results import Results
from semsynth.runs.jobs import sweep_jobs
from semsynth.shipped import CONF

PLACE = steps.Place()
NAMES = study.names()


def read(name):
    found = study.read_study(name)
    assert found is not None
    return found


def sweeps():
    """(command, words) of the first job of every sweep, those that differ in more than data set, seed and length."""
    found = {}
    for name in NAMES:
        for command, maps in ((steps.TRAIN, read(name).train), (steps.MEASURE, read(name).measure)):
            for words in maps:
                kind = {key: value.split(",")[0] for key, value in words.items()
                        if key not in ("dataset", "seed", "epochs", "repeats", "norm")}
                found.setdefault((command, str(kind)), [f"{key}={value}" for key, value in words.items()])
    return [(command, words) for (command, _), words in found.items()]


@pytest.mark.parametrize(("command", "words"), sweeps(), ids=lambda word: word if isinstance(word, str) else word[0])
def test_words_compose_and_jobs_lie_where_hydra_puts_them(command, words):
    job, name = sweep_jobs(words, CONF / f"{command}.yaml")[0]
    cfg = composed(command, *job, "run_dir=x", return_hydra_config=True)
    assert name == runs.run_name(cfg.hydra.job.override_dirname.replace("run_dir-x", "").strip("+").replace("++", "+"))
    if command == steps.TRAIN:
        config.finalize(cfg)


@pytest.mark.parametrize("name", [name for name in NAMES if read(name).train or read(name).measure])
def test_outputs_can_be_built_and_say_that_nothing_is_there(name, tmp_path):
    for node in read(name).output:
        output = hydra.utils.instantiate(node)
        with pytest.raises(ReportError):
            output(Results(name, (), (), tmp_path))


def test_names_of_jobs_follow_from_their_words_in_any_order():
    """Trainings of one setting are shared between studies, however their sweeps are written."""
    conf = CONF / "train.yaml"
    first = sweep_jobs(["dataset=scenes", "epochs=8", "norm=clade,clade_icpe", "seed=0,1"], conf)
    second = sweep_jobs(["seed=1", "logger=wandb", "norm=clade_icpe", "dataset=scenes", "epochs=8"], conf)
    assert first[3][1] == second[0][1] == "dataset-scenes+epochs-8+norm-clade_icpe+seed-1"
    words = ["icpe.zero_start=true", "seed=0", "icpe.published=false", "dataset=scenes", "epochs=8", "ablation=disti"]
    expected = "ablation-disti+dataset-scenes+epochs-8+seed-0+icpe.published-False+icpe.zero_start-True"
    assert sweep_jobs(words, conf)[0][1] == expected
    assert len({name for _, name in first}) == 4


def test_studies_share_trainings():
    jobs = {name: {job for step in steps.steps_of(read(name), PLACE) if step.kind == "train" for job in step.jobs}
            for name in NAMES}
    assert len(jobs["table1_scenes"] & jobs["table7_scenes"]) == 6
    assert len(jobs["table1"] & jobs["table7"]) == 6
    assert jobs["slides_results_scenes"] < jobs["table1_scenes"]
    of_scenes = {job for name in NAMES if name.endswith("_scenes") for job in jobs[name]}
    assert {job.parent for job in of_scenes} == {Path("multirun/scenes")}


def test_runs_of_a_data_set_are_scored_together_and_those_of_two_are_not():
    """A command has one judge and one choice of features: COCO-Stuff's pictures are not for ADE20K's judge."""
    for name in NAMES:
        for step in steps.steps_of(read(name), PLACE):
            for command in step.commands(step.jobs) if step.kind == "score" else ():
                runs_of = next(word for word in command if word.startswith("run=")).removeprefix("run=").strip('"')
                assert len({Path(run).parent for run in runs_of.split(",")}) == 1
    scoring = next(step for step in steps.steps_of(read("table1"), PLACE) if step.kind == "score")
    assert len(scoring.commands(scoring.jobs)) == 4
    assert sum(command[-2].count("dataset-") for command in scoring.commands(scoring.jobs)) == len(scoring.jobs) == 21


def test_runs_in_a_folder_of_any_name_are_named_as_hydra_reads_them():
    place = steps.Place(Path("my runs, (1)"))
    (step,) = [step for step in steps.steps_of(read("table1_scenes"), place) if step.kind == "score"]
    for jobs in (step.jobs[:1], step.jobs):
        (command,) = step.commands(jobs)
        (word,) = [word for word in command if word.startswith("run=")]
        value = OverridesParser.create().parse_override(word).value()
        assert [Path(name.text) for name in getattr(value, "list", ())] == list(jobs) or Path(value) == jobs[0]


def test_scores_are_taken_again_after_training_and_for_another_protocol(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    checkpoint, scores = tmp_path / "checkpoints" / "last.ckpt", tmp_path / "scores.json"
    checkpoint.touch()
    assert not steps.is_scored(tmp_path, {})
    scores.write_text('{"protocol": {"name": "scenes", "count": 8}}')
    os.utime(checkpoint, (1, 1))
    assert steps.is_scored(tmp_path, {"protocol": "scenes", "protocol.count": "8"})
    assert not steps.is_scored(tmp_path, {"protocol": "clade"})
    assert not steps.is_scored(tmp_path, {"protocol": "scenes", "protocol.count": "1024"})
    assert not steps.is_scored(tmp_path, {"protocol": "scenes", "output": "${run}/scores_spade.json"})
    os.utime(scores, (0, 0))
    assert not steps.is_scored(tmp_path, {"protocol": "scenes"})


def test_scores_are_taken_again_where_words_ask_for_others(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.ckpt").touch()
    os.utime(tmp_path / "checkpoints" / "last.ckpt", (1, 1))
    scores = {"protocol": {"name": "spade", "void_is_wrong": True, "real_size": None, "weights": "ema",
                           "checkpoint": {"file": "last.ckpt"}}}
    (tmp_path / "scores.json").write_text(json.dumps(scores))
    same = {"protocol": "spade", "protocol.void_is_wrong": "true", "protocol.real_size": "null", "checkpoint": "last"}
    assert steps.is_scored(tmp_path, same)  # else it would be pending for ever
    assert not steps.is_scored(tmp_path, same | {"protocol.void_is_wrong": "false"})
    assert not steps.is_scored(tmp_path, same | {"checkpoint": "best"})
    assert steps.is_scored(tmp_path, {"weights": "ema"})
    assert not steps.is_scored(tmp_path, {"weights": "raw"})
    (tmp_path / "checkpoints" / "best.ckpt").touch()
    os.utime(tmp_path / "checkpoints" / "best.ckpt", (1, 1))
    assert not steps.is_scored(tmp_path, {})  # these are the last one's
    assert steps.is_scored(tmp_path, {"checkpoint": "last"})


def test_scores_stay_where_checkpoints_are_deleted_to_save_space(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "scores.json").write_text('{"protocol": {"name": "scenes", "checkpoint": {"file": "best.ckpt"}}}')
    assert steps.is_scored(tmp_path, {"protocol": "scenes"})
    (tmp_path / "checkpoints" / "last.ckpt").touch()
    assert not steps.is_scored(tmp_path, {"protocol": "scenes"})  # auto chooses another than was scored


def test_a_network_without_styles_is_scored_whatever_style_the_words_choose(tmp_path):
    words = {"protocol": "scenes", "protocol.style": "normal"}
    for style, done in ((None, True), ("normal", True), ("image", False)):
        (tmp_path / "scores.json").write_text(json.dumps({"protocol": {"name": "scenes", "style": style}}))
        assert steps.is_scored(tmp_path, words) is done
