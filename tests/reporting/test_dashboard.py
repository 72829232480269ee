"""The files of offline W&B runs; a training's is read in tests/training/test_wandb_run.py."""

import struct

import numpy as np
import pytest
from PIL import Image

from semsynth.errors import ReportError
from semsynth.reporting.dashboard import draw_curves, draw_runs, draw_samples
from semsynth.reporting.wandb_files import BLOCK, OfflineRun, _records, read_offline


def log(*records):
    """A file of records, each cut where a block ends."""
    data = bytearray(b":W&B\xe1\xbe\x00")
    for record in records:
        begun = False
        while True:
            left = BLOCK - len(data) % BLOCK
            if left < 7:
                data += bytes(left)
                continue
            piece, record = record[:left - 7], record[left - 7:]
            kind = {(False, True): 1, (False, False): 2, (True, False): 3, (True, True): 4}[begun, not record]
            data += struct.pack("<IHB", 0, len(piece), kind) + piece
            begun = True
            if not record:
                break
    return bytes(data)


def test_records_that_span_blocks():
    """Pictures' and configurations' do: what is longer than a block, and a block's end without room for a piece."""
    records = [b"a" * (BLOCK - 17), b"b" * (3 * BLOCK), b"d" * 40, b"e"]
    assert list(_records(log(*records))) == records
    whole = log(*records)
    assert list(_records(whole[:-3])) == records[:-1]  # a training that was killed


def test_what_is_no_such_file(tmp_path):
    (tmp_path / "run.wandb").write_bytes(b"PK")
    with pytest.raises(ReportError, match=r"run\.wandb is no file of an offline W&B run"):
        read_offline([tmp_path / "run.wandb"])


@pytest.fixture
def run(tmp_path):
    images = {}
    for name, value in (("labels", 10), ("real", 90), ("generated", 200)):
        images[name] = str(tmp_path / f"{name}.png")
        Image.new("RGB", (128, 128), (value, 0, 0)).save(images[name])
    table = tmp_path / "t.table.json"
    table.write_text('{"columns": ["sample", "labels", "generated", "real"], "data": [["a", {"path": "labels"}, '
                     '{"path": "generated"}, {"path": "real"}]]}')
    made = OfflineRun(name="one", group="g", summary={"score/miou": {"max": 0.5, "last": 0.4}},
                      axes={"score/miou": "epoch", "loss": "step"})
    made.history = [{"score/miou": 0.5, "epoch": 0}, {"score/miou": "NaN", "epoch": 1}, {"score/miou": 0.4, "epoch": 2}]
    made.artifacts = [{"files": {"panels/samples.table.json": str(table), **images}}]
    return made


def test_pictures_of_what_is_there(run, tmp_path):
    assert run.curve("score/miou") == ([0, 2], [0.5, 0.4])
    assert draw_runs([run], tmp_path / "runs.png").is_file()
    assert draw_curves([run], tmp_path / "curves.png").is_file()
    other = OfflineRun(name="other")  # without a table: no column
    picture = np.asarray(Image.open(draw_samples([run, other], tmp_path / "samples.png")))
    reds = [value for value in np.unique(picture[60, :, 0]) if value in (10, 90, 200)]
    assert reds == [10, 90, 200]
    assert picture.shape[1] == 3 * 128 + 4 * 4
    assert draw_samples([other], tmp_path / "none.png") is None
    with pytest.raises(ReportError, match=r"metrics=loss: no run has logged it \(there are score/miou\)"):
        draw_curves([run], tmp_path / "curves.png", ["loss"])
