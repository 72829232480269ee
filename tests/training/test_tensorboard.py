import sys

import numpy as np
import pytest

from semsynth.errors import LoggerError
from semsynth.training.tensorboard import TensorBoard


def test_without_tensorboard_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(LoggerError, match=r"pip install 'semsynth\[tensorboard\]'"):
        TensorBoard(str(tmp_path))


def test_metrics_and_pictures(tmp_path):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    logger = TensorBoard(str(tmp_path))
    logger.log_metrics({"score/miou": 0.5}, step=3)
    logger.log_image("panels/generated", [np.zeros((4, 6, 3), np.uint8)] * 2, step=3, masks=[{}, {}])
    logger.finalize("success")
    read = events.EventAccumulator(str(tmp_path))
    read.Reload()
    assert [(e.step, e.value) for e in read.Scalars("score/miou")] == [(3, 0.5)]
    assert [(e.step, e.width, e.height) for e in read.Images("panels/generated")] == [(3, 12, 4)]
