import json
from types import SimpleNamespace

import torch

from semsynth.device import hardware
from semsynth.training import standing
from semsynth.training.standing import Standing


def test_how_far_it_is_stands_there_at_its_first_batch_and_as_often_as_asked(tiny, tmp_path, monkeypatch):
    """Epochs of 6 batches; a batch takes 30 s by this clock, of which two are read for each batch but the start."""
    seconds, written = iter(range(0, 3000, 30)), []
    monkeypatch.setattr(standing, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    write = standing.write_with
    monkeypatch.setattr(standing, "write_with", lambda path, *given, **how: (
        write(path, *given, **how), written.append(json.loads(path.read_text()))))
    tiny.trainer(tmp_path, [Standing(tmp_path / "progress.json", 80.0)]).fit(tiny.system(), datamodule=tiny.data())
    assert [(at["epoch"], at["batch"], at["left_s"]) for at in written] == [
        (1, 1, None), (1, 4, 14 * 30), (1, 6, 12 * 30), (2, 3, 9 * 30), (2, 6, 6 * 30), (3, 3, 3 * 30), (3, 6, 0)]
    assert {(at["epochs"], at["batches"]) for at in written} == {(3, 6)}
    assert {(at["hardware"], at["torch"]) for at in written} == {(hardware(torch.device("cpu")), torch.__version__)}


def test_a_place_that_cannot_be_written_ends_no_training(tiny, tmp_path):
    (tmp_path / "progress.json").mkdir()
    trainer = tiny.trainer(tmp_path, [Standing(tmp_path / "progress.json")])
    trainer.fit(tiny.system(), datamodule=tiny.data())
    assert trainer.current_epoch == 3
