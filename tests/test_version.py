"""The version is that of the last tag, wherever the package is built from."""

import re
import shutil
import subprocess
from importlib.metadata import version

import pytest
from commands import ROOT

import semsynth


def test_the_package_tells_the_version_that_is_installed():
    assert semsynth.__version__ == version("semsynth")


@pytest.fixture
def tree(tmp_path):
    """The part of a source tree that says what its version is."""
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def git(tree, *words):
    told = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", "-C", str(tree), *told, *words], check=True, capture_output=True)


def built(tree):
    core, plugins = (pytest.importorskip(f"hatchling.{name}") for name in ("metadata.core", "plugin.manager"))
    pytest.importorskip("hatch_vcs")
    return core.ProjectMetadata(str(tree), plugins.PluginManager()).version


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_repository_has_the_version_of_its_last_tag(tree):
    git(tree, "init")
    git(tree, "add", ".")
    git(tree, "commit", "-m", "first")
    assert re.fullmatch(r"0\.\S*\.dev1\+g\w+", built(tree))  # a clone that has fetched no tags
    git(tree, "tag", "v0.3.0")
    git(tree, "tag", "campaign2")  # which is no version
    assert built(tree) == "0.3.0"
    (tree / "README.md").write_text("more")
    git(tree, "commit", "-a", "-m", "second")
    assert built(tree).startswith("0.3.1.dev1+")


def test_an_archive_has_the_version_that_it_was_built_with_or_none(tree):
    assert built(tree) == "0.0.0"
    (tree / "PKG-INFO").write_text("Metadata-Version: 2.4\nName: semsynth\nVersion: 0.3.0\n")
    assert built(tree) == "0.3.0"
