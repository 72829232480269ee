"""The Python of docs/export.md runs."""

import re

import pytest
from commands import ROOT, composed
from omegaconf import OmegaConf

from semsynth import runs
from semsynth.exporting.export import export
from semsynth.exporting.source import Source

TEXT = (ROOT / "docs" / "export.md").read_text()


def test_the_examples_run(tiny_run, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    run = tiny_run(edges=True)  # inputs of both types
    kept = runs.Run(run)
    source = Source(run, OmegaConf.to_container(kept.config), kept.saved, kept.weights, kept.generator, kept.encoder)
    export(source, "onnx", tmp_path / "programs")
    export(source, "torch_export", tmp_path / "pt2")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "mine").symlink_to(run)
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    results = []
    for code in examples:
        names: dict = {}
        exec(code, names)
        results.append(tuple(names.get("images", names.get("image")).shape))
    assert results == [(1, 3, 32, 32), (1, 3, 32, 32), (2, 3, 32, 32)]


def test_the_commands_have_keys_that_exist():
    commands = re.findall(r"python tools/export\.py ([^#\n]*)", TEXT)
    assert len(commands) == 5
    for command in commands:
        assert composed("export", *command.split()).run == "runs/mine"
