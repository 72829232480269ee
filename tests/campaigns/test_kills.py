"""That the campaign of kills would see what is wrong, and a few kills of it."""

import shutil

import pytest
import torch

from campaigns.kills import differences, run


@pytest.fixture
def runs(tmp_path):
    """Two run directories that are the same."""
    (tmp_path / "a" / "checkpoints").mkdir(parents=True)
    (tmp_path / "a" / "grids").mkdir()
    state = {"state_dict": {"w": torch.zeros(2)}, "callbacks": {"EMA": {"w": torch.ones(2)}}, "optimizer_states": [1.0]}
    for name in ("last.ckpt", "best.ckpt"):
        torch.save(state, tmp_path / "a" / "checkpoints" / name)
    (tmp_path / "a" / "grids" / "epoch-001.png").write_bytes(b"picture")
    (tmp_path / "a" / "metrics.csv").write_text("step\n1\n2\n")
    (tmp_path / "a" / "finished").write_text("1\n")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert differences(tmp_path / "a", tmp_path / "b") == []
    return tmp_path / "a", tmp_path / "b"


def test_a_weight_that_differs_by_one_bit_is_seen(runs):
    state = {"state_dict": {"w": torch.tensor([0.0, 1e-45])}, "callbacks": {"EMA": {"w": torch.ones(2)}},
             "optimizer_states": [2.0]}
    torch.save(state, runs[1] / "checkpoints" / "best.ckpt")
    assert differences(*runs) == ["checkpoints/best.ckpt: .state_dict.w",
                                  "checkpoints/best.ckpt: .optimizer_states[0]: 1.0 and 2.0"]


@pytest.mark.parametrize(("name", "content", "words"), [
    ("metrics.csv", "step\n1\n2\n2\n", "metrics.csv differs"), ("finished", None, "finished is missing"),
    ("grids/epoch-001.png", "other", "grids/epoch-001.png differs"),
    ("checkpoints/last.ckpt.0123abcd.partial", "", "checkpoints/last.ckpt.0123abcd.partial is left behind")])
def test_files_that_differ_are_seen(runs, name, content, words):
    if content is None:
        (runs[1] / name).unlink()
    else:
        (runs[1] / name).write_text(content)
    assert differences(*runs) == [words]


@pytest.mark.slow
def test_a_few_kills_leave_no_trace(tmp_path):
    report = run(count=3, seed=4, folder=tmp_path)
    assert report.faults == []
    assert sum(report.kills.values()) == 3
