"""Recipe and scoring follow the data set, also one of one's own."""

import pytest
from commands import ROOT

from semsynth.cli.following import followed
from semsynth.cli.help import describe
from semsynth.cli.suggestions import check_choices
from semsynth.commands import train
from semsynth.errors import ConfigError

OWN = r"dataset=mine has no recipe of its own: take recipe=NAME \(there are ade20k, .*\), or write recipe/mine"


def file(name):
    return ROOT / "conf" / f"{name}.yaml"


@pytest.fixture
def own(tmp_path):
    """A folder with a data set, `--config-dir` of it, and an experiment that chooses it."""
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "mine.yaml").write_text("defaults: [scenes, _self_]\nname: mine\n")
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "mine.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /dataset: mine\n  - override /loss: photographs\n")
    return tmp_path


def told(capsys, *words):
    """What train.py says of the words: code, output and errors."""
    with pytest.raises(SystemExit) as ended:
        train.main([*words])
    return (ended.value.code, *capsys.readouterr())


def test_what_follows_what():
    assert followed(file("train")) == followed(file("weights")) == {"recipe": "dataset", "scoring": "dataset"}
    assert (followed(file("evaluate")), followed(file("check_data"))) == ({"scoring": "dataset"}, {})


@pytest.mark.parametrize("words", [["dataset=mine"], ["-m", "dataset=scenes,mine"], ["dataset=mine", "scoring=folder"]])
def test_a_data_set_of_ones_own_says_which_recipe(words, own):
    given = [f"--config-dir={own}", *words]
    with pytest.raises(ConfigError, match=OWN) as refused:
        check_choices(given, file("train"))
    assert ("no scoring of its own" in str(refused.value)) == ("scoring=folder" not in words)
    with pytest.raises(ConfigError, match=OWN):
        describe(file("train"), "", given)
    check_choices([given[0], "dataset=mine"], file("check_data"))  # which reads pictures only
    check_choices([*given, "recipe=camvid", "scoring=camvid"], file("train"))
    for group in ("recipe", "scoring"):
        (own / group).mkdir()
        (own / group / "mine.yaml").write_text("defaults: [folder]\n")
    check_choices(given, file("train"))


def test_an_experiment_with_such_a_data_set_as_well(own, capsys, monkeypatch):
    monkeypatch.chdir(own)
    folder = f"--config-dir={own}"
    code, _, error = told(capsys, folder, "experiments=mine", "recipe=camvid", "--cfg", "job")
    assert (code, "scoring=mine: there is no such choice (there are ade20k," in error) == (2, True)
    assert error.endswith("scoring follows dataset: take another with scoring=NAME\n")


def test_experiments_override_what_a_recipe_brings(own, capsys, monkeypatch):
    monkeypatch.chdir(own)
    train.main([f"--config-dir={own}", "experiments=mine", "recipe=ade20k", "scoring=folder", "--cfg", "job"])
    composed = capsys.readouterr().out
    assert "EfficientNetPerceptual" in composed  # not VGG-19, as in the recipe
    assert "kl_samples: 4" in composed
