"""conf/ and experiments/ come with the package, and one's own experiments/ come before them."""

import os
from pathlib import Path

import pytest
from commands import ROOT, composed

import semsynth
from semsynth.papers.study import names, read_study
from semsynth.shipped import CONF

PACKAGE = Path(semsynth.__file__).parent
FILES = sorted(str(path.relative_to(ROOT)) for folder in ("conf", "experiments")
               for path in (ROOT / folder).rglob("*.yaml"))


def below(folder):
    return {os.path.relpath(os.path.join(place, name), folder) for place, _, files in os.walk(folder, followlinks=True)
            for name in files}


def test_the_package_holds_all_files():
    assert len(FILES) > 100
    assert {name for name in below(PACKAGE / "shipped") if name.endswith(".yaml")} == set(FILES)
    assert CONF == ROOT / "conf"  # in the source tree it is the folder to be edited


@pytest.mark.parametrize(("target", "package"), [("wheel", "semsynth"), ("sdist", "src/semsynth")])
def test_what_is_built_holds_all_files(target, package):
    """By what the builder says that it would take; nothing is built. A wheel is made of the tree, or of an sdist."""
    module = pytest.importorskip(f"hatchling.builders.{target}")
    builder = {"wheel": "WheelBuilder", "sdist": "SdistBuilder"}[target]
    files = getattr(module, builder)(str(ROOT)).recurse_included_files()
    taken = {os.path.relpath(file.distribution_path, package) for file in files}
    assert taken >= {f"shipped/{name}" for name in FILES}
    assert {"commands/train.py", "demo/page/index.html", "demo/page/style.css", "demo/page/main.js"} <= taken
    assert target == "sdist" or not [name for name in taken if name.startswith("..")]


def test_elsewhere_the_experiments_of_the_package_are_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert composed("train", "experiments=camvid_clade").dataset.name == "camvid"
    assert "table1_scenes" in names()


def test_ones_own_experiment_comes_before_that_of_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "camvid_clade.yaml").write_text("# @package _global_\nepochs: 77\n")
    (tmp_path / "experiments" / "table1_scenes.yaml").write_text(
        "study: {title: Mine, source: me, output: {_target_: semsynth.papers.scores.Scores}}\n")
    cfg = composed("train", "experiments=camvid_clade")
    assert (cfg.epochs, cfg.dataset.name) == (77, "scenes")
    assert read_study("table1_scenes").title == "Mine"
    assert names().count("table1_scenes") == 1
