import numpy as np
import pytest
from PIL import Image

from semsynth.evaluation.plots import plot_confusion, plot_iou


@pytest.mark.parametrize("count", [1, 12, 30, 70])
def test_a_confusion_of_any_number_of_classes(tmp_path, count):
    classes = [f"class {i}" for i in range(count)]
    matrix = np.random.default_rng(0).integers(0, 9, (count, count + 1))
    matrix[0] = 0  # a class that occurs nowhere
    plot_confusion(tmp_path / "plots" / "c.png", {"classes": classes, "answers": [*classes, "other"],
                                                  "confusion": matrix.tolist()})
    with Image.open(tmp_path / "plots" / "c.png") as picture:
        assert 300 < min(picture.size) <= max(picture.size) < 2000
    assert [p.name for p in (tmp_path / "plots").iterdir()] == ["c.png"]


def test_classes_without_pixels_have_no_point(tmp_path):
    plot_iou(tmp_path / "iou.png", {"iou": {"sky": 0.5, "car": None, "sun": 0.0},
                                    "frequency": {"sky": 1.0, "car": 0.0, "sun": 0.0}})
    with Image.open(tmp_path / "iou.png") as picture:
        assert picture.size == (840, 540)
