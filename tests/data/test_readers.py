import logging
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from semsynth.config import finalize
from semsynth.data.ade20k_outdoor import ADE20KOutdoor
from semsynth.data.folder import validation_names
from semsynth.data.source import natural_key
from semsynth.errors import DataError

REAL = Path(os.environ.get("SEMSYNTH_DATA", "data"))
SMALL = ("size=[32,64]", "icpe.enabled=true")


def check_sample(dataset, num_classes, instances):
    sample = dataset[0]
    assert sample["image"].shape == (3, 32, 64)
    assert sample["image"].dtype == torch.float32
    assert -1 <= sample["image"].min() < sample["image"].max() <= 1
    assert sample["labels"].shape == (32, 64)
    assert sample["labels"].dtype == torch.int64
    assert 0 <= sample["labels"].min() <= sample["labels"].max() < num_classes
    assert sample["offsets"].shape == (2, 32, 64)
    assert sample["offsets"].dtype == torch.float32
    assert sample["offsets"].abs().max() <= 1
    assert ("instances" in sample) == instances
    if instances:
        assert sample["instances"].shape == (32, 64)
        assert sample["instances"].dtype == torch.int64
    assert sample["name"] == dataset.pairs[0].name


LAYOUTS = [
    ("camvid", 12, False, (4, 2)),
    ("cityscapes", 35, True, (4, 2)),
    ("ade20k", 151, False, (4, 2)),
    ("ade20k_outdoor", 151, False, (2, 1)),
    ("coco_stuff", 183, True, (4, 2)),
    ("celebamask_hq", 19, False, (4, 2)),
    ("deepfashion", 8, False, (4, 2)),
    ("folder", 3, False, (4, 2)),
]


@pytest.mark.parametrize(("name", "num_classes", "instances", "counts"), LAYOUTS, ids=[row[0] for row in LAYOUTS])
def test_layouts(name, num_classes, instances, counts, fx, build, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = fx.make(name, tmp_path / name)
    for split, count in zip(("train", "val"), counts, strict=True):
        dataset = build(name, root, split, SMALL)
        assert len(dataset) == count
        assert dataset.num_classes == num_classes
        assert dataset.instances == instances
        check_sample(dataset, num_classes, instances)


@pytest.mark.parametrize(
    ("name", "overrides", "num_classes", "instances", "counts"),
    [
        ("camvid", (), 12, False, (367, 101)),
        ("coco_stuff", (), 183, True, (13, 8)),
        ("cityscapes", ("dataset.instances=false",), 35, False, (7, 4)),
        ("cityscapes", ("dataset.train.source.split=val", "dataset.cities=[frankfurt]"), 35, True, (1, 1)),
    ],
)
def test_real_samples(name, overrides, num_classes, instances, counts, build):
    if not (REAL / name).is_dir():
        pytest.skip(f"no {REAL / name}: set SEMSYNTH_DATA")
    for split, count in zip(("train", "val"), counts, strict=True):
        dataset = build(name, REAL / name, split, (*SMALL, *overrides))
        assert len(dataset) == count
        check_sample(dataset, num_classes, instances)


def test_yaml_facts_agree(compose):
    for name in ("camvid", "cityscapes", "ade20k", "ade20k_outdoor", "coco_stuff", "celebamask_hq", "deepfashion"):
        dataset = compose(name, "x").dataset
        assert len(dataset.classes) == len(dataset.colours) == dataset.num_classes
        assert len(set(dataset.classes)) == dataset.num_classes
        if dataset.unknown is not None:
            assert dataset.classes[dataset.unknown] in ("unknown", "unlabelled")
    assert compose("ade20k", "x").dataset.classes[22] == "water"
    assert compose("coco_stuff", "x").dataset.classes[181] == "wood"
    assert compose("cityscapes", "x").dataset.classes[23] == "sky"


def test_labels_keep_raw_ids_and_dont_care_becomes_unknown(fx, build, tmp_path):
    dataset = build("coco_stuff", fx.coco_stuff(tmp_path))
    raw = np.array(Image.open(dataset.pairs[0].labels)).astype(int)
    assert (raw == 255).any()
    np.testing.assert_array_equal(dataset.read_labels(0), np.where(raw == 255, 182, raw))
    dataset = build("ade20k", fx.ade20k(tmp_path / "ade"))
    np.testing.assert_array_equal(dataset.read_labels(0), np.array(Image.open(dataset.pairs[0].labels)))


def test_pairs_in_natural_order(fx, build, tmp_path):
    dataset = build("camvid", fx.camvid(tmp_path, counts=(11, 1), suffix=".png"))
    assert [pair.name for pair in dataset.pairs] == [f"train_{i}" for i in range(1, 12)]
    for pair in dataset.pairs:
        assert pair.labels.stem == pair.name
    assert sorted(["b", "a10", "a2", "10", "9"], key=natural_key) == ["9", "10", "a2", "a10", "b"]


def test_cityscapes_pairs_by_city_sequence_and_frame(fx, build, tmp_path):
    for pair in build("cityscapes", fx.cityscapes(tmp_path)).pairs:
        fields = {"_".join(path.stem.split("_")[:3]) for path in (pair.image, pair.labels, pair.instances)}
        assert len(fields) == 1


def test_coco_portraits_join_the_training_set(fx, build, tmp_path):
    assert len(build("coco_stuff", fx.coco_stuff(tmp_path, portraits=2))) == 6


def test_outdoor_rule_counts_and_cache(fx, tmp_path, caplog, monkeypatch):
    root = fx.ade20k(tmp_path / "ade")
    rule = {"include": [3, 5, 10], "exclude": [4, 6, 8], "cache": tmp_path / "cache"}
    with caplog.at_level(logging.INFO):
        listing = ADE20KOutdoor(root, "train", **rule).find(False)
    assert [pair.name for pair in listing.pairs] == ["ADE_train_00000001", "ADE_train_00000003"]
    assert "2 of 4 pictures are outdoor scenes (published: 9649) by our rule" in caplog.text
    monkeypatch.setattr("semsynth.data.ade20k_outdoor.class_areas", None)  # not counted again
    assert len(ADE20KOutdoor(root, "train", **rule).find(False).pairs) == 2
    assert len(ADE20KOutdoor(root, "train", **rule, exclude_area=1.0, include_area=0.0).find(False).pairs) == 4
    with pytest.raises(ValueError, match="include_area"):
        ADE20KOutdoor(root, "train", **rule, include_area=2)


def test_the_published_outdoor_selection(fx, build, tmp_path, caplog, monkeypatch):
    """A list of names, or the authors' copy, beside ADE20K or as the root; no area is counted then."""
    monkeypatch.setattr("semsynth.data.ade20k_outdoor.class_areas", None)
    root = fx.ade20k(tmp_path / "ade")
    names = tmp_path / "names.txt"
    names.write_text("ADE_train_00000002\nADE_train_00000003.jpg\n\nADE_val_00000001\n")
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    for path in (*copy.rglob("ADE_train_0000000[14].*"), *copy.rglob("ADE_val_00000002.*")):
        path.unlink()
    for place, choice in ((root, names), (root, copy), (copy, copy)):
        override = [f"dataset.names={choice}"]
        chosen = [pair.name for pair in build("ade20k_outdoor", place, overrides=override).pairs]
        assert chosen == ["ADE_train_00000002", "ADE_train_00000003"]
        assert [p.name for p in build("ade20k_outdoor", place, "val", override).pairs] == ["ADE_val_00000001"]
    with caplog.at_level(logging.INFO):
        build("ade20k_outdoor", root, overrides=[f"dataset.names={names}"])
    assert f"2 of 4 pictures are outdoor scenes (published: 9649) by {names}" in caplog.text
    names.write_text("ADE_train_00000009")
    with pytest.raises(DataError, match=r"ADE_train_00000009 is not among the pictures of"):
        build("ade20k_outdoor", root, overrides=[f"dataset.names={names}"])
    with pytest.raises(DataError, match=r"dataset\.names=.*nowhere: no such file or folder"):
        build("ade20k_outdoor", root, overrides=[f"dataset.names={tmp_path}/nowhere"])


class TestFolder:
    @pytest.mark.parametrize("kind", ["ids", "palette", "colours"])
    def test_kinds_of_masks(self, kind, fx, build, tmp_path):
        plain = build("folder", fx.folder(tmp_path / "ids"))
        dataset = build("folder", fx.folder(tmp_path / kind, kind=kind), overrides=["dataset.instances=true"])
        for index in range(len(dataset)):
            np.testing.assert_array_equal(dataset.read_labels(index), plain.read_labels(index))
            assert dataset.read_instances(index).max() == 2003

    def test_the_key_chooses_between_palette_colours_and_indices(self, fx, build, tmp_path):
        root = fx.folder(tmp_path / "folder", kind="palette")
        names = ("house", "grass", "sky")
        rows = zip(names, reversed(fx.COLOURS), strict=True)
        (root / "classes.yaml").write_text("classes:\n" + "".join(f"- {{name: {n}, colour: {c}}}\n" for n, c in rows))
        reversed_ids = build("folder", root, overrides=["dataset.masks=colours"]).read_labels(0)
        with open(root / "classes.yaml", "a") as file:
            file.write("masks: colours\n")
        np.testing.assert_array_equal(build("folder", root).read_labels(0), reversed_ids)
        np.testing.assert_array_equal(
            build("folder", root, overrides=["dataset.masks=ids"]).read_labels(0), 2 - reversed_ids
        )

    def test_stated_ids(self, fx, build, tmp_path):
        root = fx.folder(tmp_path)
        rows = "".join(f"- {{name: c{i}, id: {i}}}\n" for i in (2, 0, 1))
        (root / "classes.yaml").write_text(f"classes:\n{rows}")
        dataset = build("folder", root)
        raw = np.array(Image.open(dataset.pairs[0].labels))
        np.testing.assert_array_equal(dataset.read_labels(0), np.array([1, 2, 0])[raw])

    def test_binary_masks_of_0_and_255(self, fx, build, tmp_path):
        root = fx.folder(tmp_path)
        (root / "classes.yaml").write_text("classes:\n- {name: back}\n- {name: front, id: 255}\n")
        for path in root.rglob("labels/*.png"):
            raw = np.array(Image.open(path))
            fx.save(np.where(raw > 0, 255, 0).astype(np.uint8), path)
        assert np.unique(build("folder", root).read_labels(0)).tolist() == [0, 1]

    def test_unknown_class(self, fx, build, tmp_path):
        root = fx.folder(tmp_path)
        path = root / "train/labels/train1.png"
        raw = np.array(Image.open(path))
        fx.save(np.where(raw == 2, 255, raw).astype(np.uint8), path)
        assert build("folder", root, overrides=["dataset.unknown=2"]).read_labels(0).max() == 2
        with pytest.raises(DataError, match="label id 255 .* name it in classes.yaml, as in `unknown: void`"):
            build("folder", root).read_labels(0)
        (root / "classes.yaml").write_text("unknown: house\n" + fx.CLASSES)
        assert build("folder", root).unknown == 2
        assert build("folder", root).read_labels(0).max() == 2
        assert build("folder", root, overrides=["dataset.unknown=1"]).unknown == 1  # the explicit one wins

    @pytest.mark.parametrize(("ids", "unknown", "told"), [
        ((0, 1, 255), "", True), ((0, 1, 255), "unknown: c255", False), ((0, 1, 2), "", False), ((0, 255), "", False),
        (range(300), "masks: colours", False)])
    def test_a_class_of_255_that_may_be_void_is_told(self, ids, unknown, told, fx, compose, tmp_path, caplog):
        rows = "".join(f"- {{name: c{i}, id: {i}}}\n" for i in ids)
        (tmp_path / "classes.yaml").write_text(f"{unknown}\nclasses:\n{rows}")
        finalize(compose("folder", tmp_path))
        assert ("255 stands for class c255" in caplog.text) == told

    def test_one_set_is_split_by_stem(self, fx, build, tmp_path):
        root = fx.folder(tmp_path, counts=(30, 0), one_set=True)
        overrides = ["dataset.val_fraction=0.3"]
        names = {
            split: {pair.name for pair in build("folder", root, split, overrides).pairs} for split in ("train", "val")
        }
        assert not names["train"] & names["val"]
        assert len(names["train"] | names["val"]) == 30
        assert 3 <= len(names["val"]) <= 15
        assert names["val"] == validation_names([f"train{i}" for i in range(1, 31)], 0, 0.3)
        other = build("folder", root, "val", [*overrides, "dataset.split_seed=1"])
        assert {pair.name for pair in other.pairs} != names["val"]
