"""DeepFashion: SMIS's and INADE's layouts, a parser's classes merged."""

import numpy as np
import pytest
from PIL import Image

from semsynth.errors import DataError

NAME = "deepfashion"


@pytest.mark.parametrize("layout", ["smis", "inade"])
def test_both_layouts(layout, fx, build, tmp_path):
    root = fx.deepfashion(tmp_path, layout=layout)
    for split, count in (("train", 4), ("val", 2)):
        dataset = build(NAME, root, split)
        assert len(dataset) == count
        for index in range(count):
            stored = np.array(Image.open(dataset.pairs[index].labels))
            np.testing.assert_array_equal(dataset.read_labels(index), stored if layout == "smis" else stored[:, :, 0])
            assert dataset.read_labels(index).max() == 7


def test_label_files_go_before_masks(fx, build, tmp_path):
    root = fx.deepfashion(tmp_path, layout="inade")
    for path in (root / "train_mask").iterdir():
        fx.save(np.full((48, 64), 3, np.uint8), root / "train_label" / path.name)
    assert (build(NAME, root).read_labels(0) == 3).all()


def test_instances_are_inades(fx, build, tmp_path):
    dataset = build(NAME, fx.deepfashion(tmp_path / "inade", layout="inade"), overrides=["dataset.instances=true"])
    assert dataset.read_instances(0).max() > 7  # 8 classes in 4 quadrants
    with pytest.raises(ValueError, match=r"has no instance maps: set dataset\.instances=false"):
        build(NAME, fx.deepfashion(tmp_path / "smis"), overrides=["dataset.instances=true"])


def test_a_parsers_classes_are_merged(fx, build, tmp_path):
    """CIHP's twenty by the table that the yaml shows."""
    table = "[0,0,1,3,0,4,4,4,6,5,3,4,5,2,3,3,3,3,7,7]"
    root = fx.deepfashion(tmp_path)
    path = build(NAME, root).pairs[0].labels
    ids = np.tile(np.arange(20, dtype=np.uint8), (48, 1)).repeat(4, 1)[:, :64]
    fx.save(ids, path)
    dataset = build(NAME, root, overrides=[f"dataset.merge={table}"])
    face, scarf, left_arm, trousers = 13, 11, 14, 9
    classes = ["background", "hair", "face", "skin", "top", "bottom", "socks", "shoes"]
    found = [classes[dataset.read_labels(0)[0, 4 * raw]] for raw in (face, scarf, left_arm, trousers)]
    assert found == ["face", "top", "skin", "bottom"]
    fx.save(np.full((48, 64), 20, np.uint8), path)
    with pytest.raises(DataError, match=r"label id 20, but dataset\.merge has a class for the ids 0 to 19 alone"):
        dataset.read_labels(0)


def test_the_order_of_classes_is_a_key(compose):
    names = "[background,top,hair,bottom,face,skin,socks,shoes]"
    assert compose(NAME, "x", f"dataset.classes={names}").dataset.classes[1] == "top"
    assert len(set(compose(NAME, "x").dataset.classes)) == 8


def test_two_layouts_at_once_are_a_question(fx, build, tmp_path):
    root = fx.deepfashion(fx.deepfashion(tmp_path), layout="inade")
    with pytest.raises(DataError, match="set dataset.files=smis or dataset.files=inade"):
        build(NAME, root)
    assert len(build(NAME, root, overrides=["dataset.files=inade"])) == 4
