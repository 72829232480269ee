"""What a page says beside its tables."""

import json
from types import SimpleNamespace

from semsynth.papers import page
from semsynth.papers.page import trained_on
from semsynth.papers.steps import Step


def test_a_page_says_on_what_its_networks_were_trained_wherever_it_is_made(tmp_path, monkeypatch):
    on = {"a": {"hardware": "NVIDIA H200", "torch": "2.11.0"}, "b": {"hardware": "A processor", "torch": "2.15.0"},
          "c": {"hardware": "NVIDIA H200", "torch": "2.11.0"}, "d": {"hardware": "NVIDIA H200", "torch": "2.11.0"},
          "older": {}, "running": {"hardware": "Another"}}
    settings = {"a": "spade", "b": "clade", "c": "spade", "d": "clade"}
    for name, said in on.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "progress.json").write_text(json.dumps({"epoch": 1, **said}))
    monkeypatch.setattr(page, "read_run", lambda job: SimpleNamespace(name=settings[job.name]))
    jobs = tuple(tmp_path / name for name in on)
    training = Step("train", jobs, lambda _: [], lambda job: job.name != "running")
    scoring = Step("score", jobs, lambda _: [], lambda job: True)
    assert trained_on([training, training, scoring]) == (
        "Trained on, with the number of seeds: NVIDIA H200, torch 2.11.0 (spade: 2, clade: 1); A processor, torch "
        "2.15.0 (clade: 1).")
    assert trained_on([scoring]) == ""
