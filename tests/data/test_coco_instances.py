import io
import json

import numpy as np
import pytest
from commands import composed
from matplotlib.path import Path as Outline
from PIL import Image
from rich.console import Console

from semsynth.commands.coco_instances import make
from semsynth.data.coco_instances import draw_instances, fill_polygon, plan, read_objects
from semsynth.errors import DataError


def square(left, top, right, bottom):
    return [left, top, right, top, right, bottom, left, bottom]


@pytest.fixture
def download(fx, tmp_path):
    """What is there after the download, of two tiny splits; the instance maps that others made lie elsewhere."""
    root = fx.coco_stuff(tmp_path / "coco", counts=(2, 1))
    for split, count in (("train", 2), ("val", 1)):
        (root / f"{split}_inst").rename(tmp_path / f"{split}_before")
        crowd = {"counts": [5, 3000], "size": [48, 64]}
        annotations = [
            {"image_id": 7, "iscrowd": 0, "segmentation": [square(11, 6, 21, 16), square(31, 6, 36, 11)]},
            {"image_id": 7, "iscrowd": 1, "segmentation": crowd},
            {"image_id": 7, "iscrowd": 0, "segmentation": [square(16, 11, 26, 21)]},
        ]
        images = [{"id": 7 + i, "file_name": f"{i:012d}.jpg", "height": 48, "width": 64} for i in range(count)]
        path = root / "annotations" / f"instances_{split}2017.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"images": images, "annotations": annotations}))
    return root


def test_a_polygon_is_the_pixels_inside_it():
    rng = np.random.default_rng(0)
    columns, rows = np.meshgrid(np.arange(40), np.arange(30))
    for _ in range(20):
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 20)))
        radii = rng.uniform(3, 22, len(angles))  # some corners lie outside the picture
        outline = np.stack([20 + radii * np.cos(angles), 15 + radii * np.sin(angles)], 1)
        drawn = np.zeros((30, 40), np.int32)
        fill_polygon(drawn, outline, 5)
        inside = Outline(outline).contains_points(np.stack([columns.ravel(), rows.ravel()], 1))
        np.testing.assert_array_equal(drawn.ravel() == 5, inside)


def test_objects_are_numbered_and_crowds_are_not(download):
    labels = np.full((48, 64), 123, np.uint8)
    drawn = draw_instances(labels, read_objects(download / "annotations/instances_train2017.json")["000000000000"])
    expected = labels.copy()
    expected[5:15, 10:20] = expected[5:10, 30:35] = 0  # two polygons of one object; one pixel up and to the left
    expected[10:20, 15:25] = 1
    np.testing.assert_array_equal(drawn, expected)
    assert drawn.dtype == np.uint8


def test_many_objects_need_more_bits():
    objects = [[np.array([[1 + i % 20, 1 + i // 20], [2 + i % 20, 1 + i // 20], [2 + i % 20, 2 + i // 20],
                          [1 + i % 20, 2 + i // 20]], float)] for i in range(300)]
    drawn = draw_instances(np.zeros((20, 20), np.uint8), objects)
    assert drawn.dtype == np.uint16
    np.testing.assert_array_equal(drawn[:15].ravel(), np.arange(300))


def test_a_fresh_download_becomes_a_data_set(download, build, tmp_path):
    with pytest.raises(DataError, match=r"train_inst is missing[\s\S]*tools/coco_instances\.py"):
        build("coco_stuff", download)
    console = Console(file=io.StringIO(), width=200)
    make(composed("coco_instances", f"root={download}"), console)
    assert "train: 2 instance maps made" in console.file.getvalue()
    dataset = build("coco_stuff", download)
    assert [dataset.read_instances(i).shape for i in range(2)] == [(48, 64)] * 2
    assert (dataset.read_instances(1) == np.array(Image.open(dataset.pairs[1].labels))).all()  # nothing annotated
    assert len(build("coco_stuff", download, "val")) == 1
    made = dataset.pairs[0].instances
    before = made.stat().st_mtime_ns
    make(composed("coco_instances", f"root={download}"), console)
    assert made.stat().st_mtime_ns == before
    assert not list(download.rglob("*.part"))


def test_what_does_not_belong_together_is_named(download, tmp_path):
    path = download / "annotations/instances_val2017.json"
    with pytest.raises(DataError, match=r"000000000001\.png: .*instances_val2017\.json knows no such picture"):
        plan(download, "train", path)
    with pytest.raises(DataError, match=r"nothing\.json: the file is missing"):
        plan(download, "val", tmp_path / "nothing.json")
    path.write_text("{}")
    with pytest.raises(DataError, match=r"instances_val2017\.json: no annotations of COCO's instances"):
        plan(download, "val", path)
    with pytest.raises(DataError, match=r"val_label is missing"):
        plan(tmp_path, "val", path)
