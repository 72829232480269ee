"""Two studies of experiments/ in their cut-down form, from nothing to their pages, with the real commands.

All of them, in minutes: make reproduce ARGS=study.small=true
"""

import importlib
import shutil
from pathlib import Path

import hydra.utils
import pytest
from commands import ROOT
from hydra.core.global_hydra import GlobalHydra

from semsynth.commands import train
from semsynth.papers.performing import perform
from semsynth.papers.request import asked_for

WORDS = ["study.small=true", "norm=clade", "seed=3", "study.measure.norm=clade", "study.measure.formulation=fast",
         "study.measure.runtime=false"]


def run_here(command):
    """A command within this process, which saves it the imports."""
    GlobalHydra.instance().clear()
    name, *arguments = command
    try:
        importlib.import_module(f"semsynth.commands.{name}").main(arguments)
    except SystemExit as end:
        return end.code
    return 0


@pytest.mark.slow
@pytest.mark.seldom
def test_studies_from_nothing_to_their_pages(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    request = asked_for(["experiments=table1_scenes,table3_scenes", *WORDS])
    commands = []

    def run(command):
        commands.append(command)
        return run_here(command)

    assert perform(request, hydra.utils.instantiate, run)
    assert [command[0] for command in commands] == ["train", "evaluate", "complexity", "complexity"]
    results = Path("multirun/small/results")
    page = (results / "table1_scenes.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith("| clade | scenes | 64x64 | 1 | 1 |"))
    assert row.count(" - ") == 0  # scores and costs are there
    assert "![The same label maps](table1_scenes_grid.png)" in page
    assert (results / "table1_scenes_grid.png").stat().st_size > 10_000
    assert "| ade20k | clade | - | 68.1 | 68.1 | 3.31 | 3.3 |" in (results / "table3_scenes.md").read_text()
    assert (results / "README.md").read_text().count("\n- [") == 2

    shutil.rmtree(results)
    assert perform(request, hydra.utils.instantiate, lambda command: pytest.fail(f"again: {command}"))
    assert (results / "table1_scenes.md").read_text() == page


def test_train_shows_a_study_and_starts_nothing(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert train.instead(["experiments=table7_scenes", "seed=0", "--help"])
    out = capsys.readouterr().out
    assert "ablation=disti,distf icpe.published=false icpe.zero_start=true seed=0" in out
