"""Commands as they are typed with the source tree and without it."""

import importlib
import re
import shlex

import pytest
from commands import ROOT
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from semsynth.cli.help import describe
from semsynth.spelling import COMMANDS, as_typed_here, installed, named, started_as, typed

NAMES = ["runs/norm-clade+seed-0", "lr=2,wd=0", "set (1)", "[32,32]", "{a: b}", "it's", 'say "so"', "größe 数据",
         "$HOME", "${norm}", "a\\${norm}\\", "back\\slash", "back\\", 'back\\"', "back\\\\'", "~me", "-m", "null",
         "True", "1e5", "007", "a#b;c&d|e>f", "*?!", " a ", "choice(a,b)", "x@y:z", "..", "../a", "", "line\\\n"]


def test_in_the_source_tree_scripts_are_named():
    assert typed(["check_data", "dataset.root=a b"]) == "python tools/check_data.py 'dataset.root=a b'"
    assert typed(["train", "norm=clade"]) == as_typed_here("python train.py norm=clade") == "python train.py norm=clade"


@pytest.mark.parametrize("name", ["demo.py", "after train.py", "tools/export.py"])
def test_names_stay_as_they_are_where_scripts_are_installed(name, monkeypatch):
    monkeypatch.setattr("semsynth.spelling.IN_SOURCE_TREE", False)
    command, *words = shlex.split(typed(["synthesize", named("run", name)]))
    assert (command, words[0]) == ("semsynth", "synthesize")
    assert OverridesParser.create().parse_override(words[1]).value() == name


@pytest.mark.parametrize(("text", "words"), [
    ("make it with `python tools/check_data.py dataset=folder`", "make it with `semsynth check-data dataset=folder`"),
    ("python train.py -m a=1,2\n  python train.py b=3", "semsynth train -m a=1,2\n  semsynth train b=3"),
    ("LPIPS of samples (evaluate.py)", "LPIPS of samples (semsynth evaluate)"),
    ("./runs/train.py: broken; my_train.py, model.py, /home/me/tools/export.py", None),
])
def test_without_it_what_is_installed_is(text, words):
    assert installed(text) == (words or text)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_then_names_no_script(name):
    about = importlib.import_module(f"semsynth.commands.{name}").__doc__
    text = installed(describe(ROOT / "conf" / f"{name}.yaml", about))
    assert re.findall(r"[\w/]+\.py\b", text) == []
    assert f"    semsynth {name.replace('_', '-')} " in text


@pytest.mark.parametrize("words", [["tools/train_segmenter.py"], ["/bin/semsynth", "train-segmenter"],
                                   ["/lib/semsynth/__main__.py", "train_segmenter"]])
def test_how_a_process_was_started(words, monkeypatch):
    monkeypatch.setattr("sys.argv", [*words, "output=x", "name=a b"])
    assert started_as("train_segmenter") == "python tools/train_segmenter.py output=x 'name=a b'"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_any_signs_passes_the_shell_and_hydra(name):
    *_, word = shlex.split(typed(["synthesize", named("run", name)]))
    override = OverridesParser.create().parse_override(word)
    assert not override.is_sweep_override()
    assert OmegaConf.create({"run": override.value(), "norm": "clade"}).run == name


def test_names_of_a_sweep():
    names = [name for name in NAMES if "${" not in name]
    override = OverridesParser.create().parse_override(named("run", *names))
    assert [getattr(value, "text", value) for value in override.value().list] == names


def test_plain_names_stay_plain():
    assert named("run", "/data/my-runs/a_1.0+b") == "run=/data/my-runs/a_1.0+b"
