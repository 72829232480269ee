"""Processes that look for a checkpoint by themselves must find the same one."""

from pathlib import Path

import pytest

from semsynth import sharing
from semsynth.errors import ConfigError
from semsynth.training.launch import fit


@pytest.mark.parametrize(("other", "equal"), [
    ("train from the beginning with 1 x 2 samples", True), ("train from last.ckpt with 1 x 2 samples", False),
    ("train from the beginning with 1 x 4 samples", False)])
def test_processes_that_begin_elsewhere_are_told(tiny, tmp_path, monkeypatch, other, equal):
    """As where the file system of one node shows a checkpoint later than that of another."""
    monkeypatch.setattr(sharing, "processes", lambda: (0, 2))
    monkeypatch.setattr(sharing, "_exchanged", lambda own: [own, (other, None)])
    trainer = tiny.trainer(tmp_path, max_epochs=1, limit_train_batches=1, limit_val_batches=0)
    if equal:
        return fit(trainer, tiny.system(), tiny.data(), None)
    with pytest.raises(ConfigError, match=f"from the beginning with 1 x 2 samples and {other}: all nodes must see"):
        fit(trainer, tiny.system(), tiny.data(), None)
    assert trainer.global_step == 0


def test_the_name_of_a_checkpoint_counts(tiny, tmp_path, monkeypatch):
    """And not where a process sees its folder."""
    from semsynth.training.rejoining import SameStart

    told = []
    monkeypatch.setattr("semsynth.training.rejoining.gathered", lambda value, title: told.append(title))
    for path in (Path("/here/last.ckpt"), Path("/there/last.ckpt"), None):
        trainer = tiny.trainer(tmp_path, [SameStart(path)], max_epochs=1, limit_train_batches=1, limit_val_batches=0)
        trainer.fit(tiny.system(), tiny.data())
    assert told[0] == told[1] != told[2]
