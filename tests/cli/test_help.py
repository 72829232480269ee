"""`--help` of every command names every key with its meaning, from the comments of its file in conf/."""

import importlib
import re
import subprocess
import sys

import pytest
from commands import ROOT, composed
from omegaconf import OmegaConf

from semsynth import spelling
from semsynth.cli.help import describe, drop_unused
from semsynth.cli.meanings import HIDDEN, chosen, meanings

COMMANDS = {"train": "train.py", "evaluate": "evaluate.py", "synthesize": "synthesize.py",
            "demo": "demo.py",
            **{path.stem: f"tools/{path.name}" for path in sorted((ROOT / "tools").glob("*.py"))}}


def about(name):
    return importlib.import_module(f"semsynth.commands.{name}").__doc__


def file(name):
    return ROOT / "conf" / f"{name}.yaml"


def values(node, path=""):
    """The dotted names of all values."""
    if not isinstance(node, dict) or not node:
        return [path]
    return [name for key, child in node.items() for name in values(child, f"{path}.{key}" if path else key)]


def test_every_file_is_a_command():
    assert {path.stem for path in (ROOT / "conf").glob("*.yaml")} == set(COMMANDS) == set(spelling.COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_key_has_a_meaning(name):
    keys = values(OmegaConf.to_container(composed(name)))
    words = meanings(file(name))
    assert keys
    for key in keys:
        parts = key.split(".")
        assert any(".".join(parts[:n]) in words for n in range(1, len(parts) + 1)), f"conf/{name}.yaml: {key}"
    assert set(words) >= set(chosen(file(name)))


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_all_of_it_with_values(name):
    text = describe(file(name), "What it does.\n\n    an example\n")
    assert text.startswith("What it does.\n\n    an example\n")
    assert max(map(len, text.splitlines())) <= 110
    told = " ".join(text.split())
    for key, meaning in meanings(file(name)).items():
        there = re.search(rf"^  {re.escape(key)}(=\S+| |$)", text, re.MULTILINE)
        assert (there is None) == meaning.startswith(HIDDEN), key
        assert meaning.startswith(HIDDEN) or " ".join(meaning.split()) in told, key


def test_help_has_the_values_of_the_given_choices():
    assert re.search(r"^  size=\[64,64\] .*\[H, W\]", describe(file("train"), ""), re.MULTILINE)
    text = describe(file("train"), "", ["dataset=cityscapes", "-m"])
    assert "  size=[256,512]" in text
    assert "  loss=spade " in text
    assert "  run=... " in describe(file("synthesize"), "")


@pytest.mark.parametrize("name", COMMANDS)
def test_scripts_say_what_they_do_with_examples(name):
    first, blank, example = about(name).splitlines()[:3]
    assert first.endswith(".")
    assert blank == ""
    assert example.startswith(f"    python {COMMANDS[name]}")


def test_groups_that_are_composed_for_others_are_dropped():
    cfg = composed("complexity", "callbacks=default", "trainer=smoke")  # as an experiment may
    assert {"callbacks", "scores"} <= set(cfg)
    drop_unused(cfg, file("complexity"))
    assert not {"callbacks", "scores"} & set(cfg)
    assert "callbacks" not in describe(file("complexity"), "")


@pytest.mark.parametrize(("name", "groups"), [
    ("check_data", "dataset icpe augment"), ("train_segmenter", "dataset icpe augment data network trainer"),
    ("train_style_regressor", "dataset icpe data trainer"), ("import_checkpoint", ""), ("export", ""),
    ("evaluate", "dataset scoring icpe augment protocol segmenter"),
    ("weights", "dataset recipe scoring loss protocol segmenter"),
    ("complexity", "dataset recipe icpe augment base norm encoder generator discriminator objective loss optim system "
                   "trainer")])
def test_commands_compose_what_they_read(name, groups):
    choices = composed(name, return_hydra_config=True).hydra.runtime.choices
    assert {group for group, choice in choices.items() if choice and "/" not in group} == {*groups.split()}


@pytest.mark.parametrize("name", COMMANDS)
def test_groups_that_others_bring_are_composed(name):
    """The lines of a command's file that are comments say what there is."""
    choices = composed(name, return_hydra_config=True).hydra.runtime.choices
    assert {group for group, choice in chosen(file(name)).items() if str(choice).startswith("of ")} <= {*choices}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_as_typed(name, tmp_path):
    done = subprocess.run([sys.executable, ROOT / COMMANDS[name], "--help"], capture_output=True, text=True,
                          cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(about(name).splitlines()[0])
    assert "Keys (KEY=VALUE" in done.stdout
    assert not list(tmp_path.iterdir())
