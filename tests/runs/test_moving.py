"""Where a run from anybody may write."""

import pytest
from omegaconf import OmegaConf

from semsynth.errors import ConfigError
from semsynth.runs.moving import check_written

CSV = "semsynth.training.csv_metrics.CsvMetrics"


@pytest.mark.parametrize(("place", "node"), [
    ("logger.csv", {"_target_": CSV, "path": "/elsewhere/notes.txt"}),
    ("scores.table", {"_target_": CSV, "path": "/elsewhere/notes.txt"}),
    ("system.x", {"_target_": "semsynth.training.checkpoints.Checkpoints", "folder": "/elsewhere"}),
    ("callbacks.rows", {"_target_": "semsynth.training.csv_metrics.Rows", "table": {"_target_": CSV, "path": "../x"}}),
])
def test_whatever_trains_writes_there(place, node, tmp_path):
    cfg = OmegaConf.create({"system": {"segmenter": {"_target_": "semsynth.segmenters.loop.pretrained",
                                                     "path": "/elsewhere/file.safetensors"}}})
    check_written(cfg, str(tmp_path), ())  # what is read may lie anywhere
    OmegaConf.update(cfg, place, node)
    with pytest.raises(ConfigError, match=rf"{place}.*=.*: the run would write outside of {tmp_path}"):
        check_written(cfg, str(tmp_path), ())
