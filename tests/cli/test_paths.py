"""The commands work in folders of any name, typed as they are."""

import importlib
import shutil

import numpy as np
import pytest
from commands import load
from PIL import Image

NAME = "set (1), lr=2 ü数 [32,32]'s"


@pytest.fixture
def folder(tmp_path, tiny_run):
    """A folder of that name with a run and label maps."""
    folder = tmp_path / NAME
    shutil.copytree(tiny_run(norm="clade"), folder / "run, [1]")
    (folder / "maps").mkdir()
    Image.fromarray(np.zeros((32, 32), np.uint8)).save(folder / "maps" / "a.png")
    return folder


@pytest.fixture
def typed(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def call(command, *arguments):
        importlib.import_module(f"semsynth.commands.{command}").main(arguments)

    return call


def test_synthesize(folder, typed):
    typed("synthesize", f"run={folder}/run, [1]", f"input={folder}/maps", f"output={folder}/out=(1)")
    assert (folder / "out=(1)" / "a.png").is_file()


def test_export(folder, typed):
    typed("export", f"run={folder}/run, [1]", "format=safetensors", f"output={folder}/a,b~")
    assert (folder / "a,b~" / "config.yaml").is_file()


def test_report(folder, typed, capsys):
    typed("report", f"runs={folder}/run, [1]", f"output={folder}/(report)")
    assert "run, [1]" in (folder / "(report)" / "comparison.md").read_text()
    assert f"{folder}/run, [1]: holds no checkpoint yet" in capsys.readouterr().out  # of a training: `.ckpt`


def test_check_data(tmp_path, typed, capsys):
    root = tmp_path / NAME
    load("tests/data/fixtures.py").make("folder", root)
    with pytest.raises(SystemExit) as end:
        typed("check_data", "dataset=folder", f"dataset.root={root}")
    assert end.value.code == 0, capsys.readouterr().out


def test_a_folder_in_the_home_directory(folder, typed, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    typed("synthesize", "run=~/run, [1]", "input=~/maps/a.png", "output=~/out")
    assert (folder / "out" / "a.png").is_file()
