"""`semsynth COMMAND`: what pip installs finds every command, and hands it its arguments."""

import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint

import pytest
from commands import ROOT

from semsynth.__main__ import listing
from semsynth.spelling import COMMANDS, hyphened

LIGHT = """
import importlib, sys
from semsynth.__main__ import listing
listing()
assert "hydra" not in sys.modules, "the list is there at once"
from semsynth.spelling import COMMANDS
for name in COMMANDS:
    importlib.import_module(f"semsynth.commands.{name}")
    heavy = {"torch", "pytorch_lightning", "matplotlib", "wandb", "cv2", "numpy"} & set(sys.modules)
    assert not heavy, f"{name} imports {heavy} before a wrong word is answered"
"""


@pytest.fixture
def typed(monkeypatch, capsys):
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    main = EntryPoint("semsynth", scripts["semsynth"], "console_scripts").load()

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["/usr/bin/semsynth", *words])
        try:
            code = main()
        except SystemExit as end:
            code = end.code
        return code or 0, *capsys.readouterr()

    return call


def test_it_lists_the_commands(typed):
    assert typed() == typed("--help") == typed("-h") == (0, f"{listing()}\n", "")
    lines = listing().splitlines()
    for name in COMMANDS:
        line, = (line for line in lines if line.startswith(f"  {hyphened(name)} "))
        assert len(line.removeprefix(f"  {hyphened(name)}").strip()) > 10


def test_a_command_that_there_is_not(typed):
    code, out, err = typed("chek-data", "dataset=camvid")
    assert (code, out) == (2, "")
    assert err.startswith("chek-data: there is no such command; did you mean check-data? (there are check-data, ")
    assert typed("norm=spade")[0] == 2


def test_arguments_reach_the_command(typed):
    assert typed("train", "epochz=3") == (2, "", "epochz: there is no such key; did you mean epochs or "
                                                 "recipe.epochs?\n")
    assert typed("export", "--help")[1].startswith("Hand a run's networks on.\n")
    for name in ("check-data", "check_data"):
        assert typed(name, "dataset=camvidd")[2].startswith("dataset=camvidd: there is no such choice")


def test_a_wrong_word_is_answered_before_torch_is_imported():
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_script_in_the_source_tree(name):
    script = next(path for path in (ROOT / f"{name}.py", ROOT / "tools" / f"{name}.py") if path.is_file())
    assert script.read_text().startswith(f"from semsynth.commands.{name} import main\n")
