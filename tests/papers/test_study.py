"""Reading studies, and asking for them on the command line."""

from pathlib import Path

import pytest

from semsynth.errors import StudyError
from semsynth.papers.request import asked_for
from semsynth.papers.study import read_study

YAML = """study:
  title: A
  source: B, Table I
  train: [{dataset: scenes, norm: "spade,clade", seed: "0,1", size: [32, 32], icpe.published: false}]
  score: {protocol: scenes}
  output: {_target_: semsynth.papers.scores.Scores}
  small: {train: {norm: clade}}
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("one_scenes", "two_scenes"):
        (tmp_path / f"{name}.yaml").write_text(YAML)
    (tmp_path / "norms.yaml").write_text("resume: auto\n")
    for name in ("one", "alone"):
        (tmp_path / f"{name}.yaml").write_text(YAML.replace("dataset: scenes", 'dataset: "scenes,ade20k"'))
    return tmp_path


def test_words_are_as_typed_and_steps_that_are_not_named_are_none(folder):
    study = read_study("one_scenes", [folder])
    assert study.train == ({"dataset": "scenes", "norm": "spade,clade", "seed": "0,1", "size": "[32,32]",
                            "icpe.published": "false"},)
    assert (study.score, study.cost, study.measure) == ({"protocol": "scenes"}, None, ())
    assert study.reduced().train[0]["norm"] == "clade"
    assert study.reduced().train[0]["epochs"] == "1"
    assert study.reduced().cost is None


@pytest.mark.parametrize(("old", "new", "words"), [
    ("score:", "scores:", "study.scores: there is no such key; did you mean score"),
    ("title: A", "differs: [x]", "study.title is missing"),
    ("dataset: scenes, ", "", "names no dataset"),
    ("{train: {norm: clade}}", "{tain: {norm: clade}}", "study.small.tain"),
    ("{protocol: scenes}", "[protocol]", "key: value"),
])
def test_a_wrong_file_is_told_with_its_key(folder, old, new, words):
    (folder / "bad.yaml").write_text(YAML.replace(old, new, 1))
    with pytest.raises(StudyError, match=f"bad.yaml.*{words}"):
        read_study("bad", [folder])


def test_what_is_no_study_is_left_to_hydra(folder):
    assert asked_for(["experiments=norms", "seed=1"], [folder]) is None
    assert asked_for(["experiments=nothing"], [folder]) is None
    assert asked_for(["norm=clade"], [folder]) is None


def test_a_request(folder):
    asked = asked_for(["-m", "experiments=*_scenes", "seed=7", "hydra/launcher=slurm", "study.score.batch=4",
                       "study.folder=out"], [folder])
    assert [study.name for study in asked.studies] == ["one_scenes", "two_scenes"]
    assert asked.studies[0].train[0]["seed"] == "7"
    assert asked.studies[0].score == {"protocol": "scenes", "batch": "4"}
    assert (asked.launcher, asked.folder) == (("hydra/launcher=slurm",), Path("out"))
    assert not asked.small
    assert not asked.show
    assert asked_for(["experiments=one_scenes", "--cfg", "job"], [folder]).show
    small = asked_for(["experiments=one_scenes", "study.small=true", "epochs=2"], [folder])
    assert (small.studies[0].train[0]["epochs"], small.folder) == ("2", Path("multirun/small/results"))


@pytest.mark.parametrize(("arguments", "words"), [
    (["experiments=one_scenes,norms"], "norms is no study"),
    (["experiments=one_scenes", "study.foldr=x"], "study.foldr: there is no such key; did you mean study.folder"),
    (["experiments=one_scenes", "study.small=yes"], "must be true or false"),
    (["experiments=one_scenes", "--overwrite"], "--overwrite"),
    (["experiments=one", "study.small=true", "--help"], r"^study.small=true: one trains on .*: one_scenes has one$"),
    (["experiments=alone", "study.small=true"], "^study.small=true: alone trains .* has no cut-down form$"),
])
def test_words_that_a_study_does_not_take(folder, arguments, words):
    with pytest.raises(StudyError, match=words):
        asked_for(arguments, [folder])
