"""Which files belong together, in folders as people have them."""

import logging
import os
import shutil

import numpy as np
import pytest

from semsynth.data.folder import Folder, validation_names
from semsynth.data.label_maps import LabelMaps
from semsynth.data.pairing import aligned, by_name
from semsynth.data.source import files_in
from semsynth.errors import DataError


def into_days(root, *parts):
    """Move the files of each folder into sub-folders `day` and `night`, by turns; equal names in both are allowed."""
    for part in parts:
        files = sorted(path for path in (root / part).iterdir() if path.is_file())
        for place, path in enumerate(files):
            target = root / part / ("day", "night")[place % 2] / f"{place // 2}{path.suffix}"
            target.parent.mkdir(exist_ok=True)
            path.rename(target)


def endings(root, part, ending):
    for path in sorted((root / part).iterdir()):
        path.rename(path.with_name(path.stem + ending + path.suffix))


def test_sub_folders_pair_by_their_paths(fx, tmp_path):
    root = fx.folder(tmp_path, counts=(4, 2))
    into_days(root, *(f"{split}/{kind}" for split in ("train", "val") for kind in ("images", "labels", "instances")))
    listing = Folder(root, "train").find(instances=True)
    assert listing.faults == []
    assert [pair.name for pair in listing.pairs] == ["day/0", "day/1", "night/0", "night/1"]
    for pair in listing.pairs:
        for path, kind in ((pair.image, "images"), (pair.labels, "labels"), (pair.instances, "instances")):
            assert path.relative_to(root / "train" / kind).with_suffix("").as_posix() == pair.name
    (root / "train/labels/night/1.png").unlink()
    assert "no label file for 'night/1'" in Folder(root, "train").find(False).faults[0]


@pytest.mark.parametrize("name", ["camvid", "coco_stuff"])
def test_sub_folders_in_published_layouts(name, fx, build, tmp_path):
    root = fx.make(name, tmp_path / name)
    parts = ("train", "trainannot") if name == "camvid" else ("train_img", "train_label", "train_inst")
    into_days(root, *parts)
    assert [pair.name for pair in build(name, root).pairs] == ["day/0", "day/1", "night/0", "night/1"]


def test_hidden_folders_and_links_that_lead_back_are_left_out(tmp_path):
    for name in ("a.png", "b/c.png", ".cache/d.png", "b/.e.png", "b/f.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    os.symlink(tmp_path, tmp_path / "b" / "round")
    assert [path.relative_to(tmp_path).as_posix() for path in files_in(tmp_path, [".png"])] == ["a.png", "b/c.png"]


@pytest.mark.parametrize(("images", "labels"), [("", "_mask"), ("_rgb", "_seg"), ("_leftImg8bit", "")])
def test_a_common_ending_is_taken_off_and_said(images, labels, fx, tmp_path, caplog):
    root = fx.folder(tmp_path)
    endings(root, "train/images", images)
    endings(root, "train/labels", labels)
    endings(root, "train/instances", "-things")
    with caplog.at_level(logging.INFO):
        listing = Folder(root, "train").find(instances=True)
    assert listing.faults == []
    assert [pair.image.stem.removesuffix(images) for pair in listing.pairs] == [f"train{i}" for i in range(1, 5)]
    for pair in listing.pairs:
        assert pair.labels.stem == f"{pair.image.stem.removesuffix(images)}{labels}"
        assert pair.instances.stem == f"{pair.image.stem.removesuffix(images)}-things"
    expected = [] if images == "_leftImg8bit" else [f"labels pair with images as NAME{labels} and NAME{images}"]
    assert [r.getMessage() for r in caplog.records if r.getMessage().startswith("labels")] == expected


@pytest.mark.parametrize(("images", "labels", "pairs"), [
    (["a", "b"], ["a_mask", "b_mask", "c_mask"], ["a", "b"]),
    (["a"], ["a_mask"], ["a"]),
    (["town_1"], ["town_2"], []),  # a number tells samples apart, it is no ending
    (["town_a"], ["town_b_mask"], []),
    (["a_1", "b_1"], ["a_2", "b_2"], []),
    (["a", "b"], ["a", "b_mask"], ["a"]),  # where names are alike, nothing is guessed
    (["x/a", "y/a"], ["x/a-gt", "y/a-gt"], ["x/a", "y/a"]),
])
def test_endings(images, labels, pairs, tmp_path):
    left, right = aligned(dict.fromkeys(images, tmp_path), dict.fromkeys(labels, tmp_path), "labels")
    assert sorted(left.keys() & right.keys()) == pairs


def test_ade20k_takes_the_published_folders_only(fx, build, tmp_path):
    """A resized copy of the annotations beside them, as detectron2's script makes it, is not taken instead."""
    root = fx.ade20k(tmp_path)
    shutil.copytree(root / "annotations", root / "annotations_resized")
    for path in (root / "annotations_resized").rglob("*.png"):
        fx.save(np.zeros((4, 4), np.uint8), path)
    for split in ("train", "val"):
        dataset = build("ade20k", root, split)
        assert {pair.labels.relative_to(root).parts[0] for pair in dataset.pairs} == {"annotations"}
        assert dataset.read_labels(0).shape == (48, 64)
    shutil.rmtree(root / "annotations")
    with pytest.raises(DataError, match=r"annotations/training is missing"):
        build("ade20k", root)


def test_regions_of_a_class_are_the_instances_of_ade20k(fx, build, tmp_path):
    dataset = build("ade20k", fx.ade20k(tmp_path), overrides=["dataset.instances=true"])
    np.testing.assert_array_equal(dataset.read_instances(0), dataset.read_labels(0))


@pytest.mark.parametrize("name", ["ade20k", "cityscapes", "camvid", "folder"])
def test_two_files_of_one_key_are_named(name, fx, build, tmp_path):
    root = fx.make(name, tmp_path / name)
    pair = build(name, root).pairs[0]
    double = pair.image.with_suffix(".jpeg" if name == "ade20k" else ".jpg")
    if double == pair.image:
        double = pair.image.with_suffix(".png")
    shutil.copy(pair.image, double)
    with pytest.raises(DataError, match="have the same name but for the ending"):
        build(name, root)


def test_of_cityscapes_files_those_of_ids_are_label_maps(fx, tmp_path):
    root = fx.cityscapes(tmp_path)
    for path in list(root.rglob("*_labelIds.png")):
        fx.save(fx.picture(), path.with_name(path.name.replace("labelIds", "color")))
    fine = root / "gtFine" / "train"
    maps = LabelMaps(fine).find(False).pairs
    assert len(maps) == 4
    assert all(pair.labels.stem.endswith("_labelIds") for pair in maps)
    keyed = by_name(root, [maps[0].labels])
    assert list(keyed) == ["aachen_000000_000000"]


class TestSplit:
    @pytest.mark.parametrize("fraction", [0.05, 0.1, 0.5, 0.95])
    def test_both_sides_have_a_pair_and_new_files_move_at_most_one(self, fraction):
        for seed in range(20):
            names, before = [], set()
            for count in range(1, 80):
                names.append(f"{seed}_{count}")
                val = validation_names(names, seed, fraction)
                if count >= 2:
                    assert 0 < len(val) < count
                if count > 2:
                    moved = (before ^ val) - {names[-1]}
                    assert len(moved) <= 1
                    if fraction <= 0.1:  # a picture that was trained on is not validated on later
                        assert moved <= before
                before = val

    def test_its_share_is_the_fraction_and_its_order_does_not_matter(self):
        names = [f"picture {i}" for i in range(4000)]
        val = validation_names(names, 0, 0.1)
        assert 330 < len(val) < 470
        assert validation_names(reversed(names), 0, 0.1) == val
        assert validation_names(names, 1, 0.1) != val

    def test_a_name_that_is_no_text_has_its_place(self):
        names = ["a", os.fsdecode(b"b\xff"), os.fsdecode(b"b\xfe")]
        assert len({*validation_names(names, 0, 0.5), *names}) == 3

    def test_faults_are_shown_before_the_split_is_blamed(self, fx, build, tmp_path):
        root = fx.folder(tmp_path, counts=(8, 0), one_set=True)
        for path in sorted((root / "labels").iterdir())[1:]:
            path.rename(path.with_name("x" + path.name))  # one pair is left
        for split in ("train", "val"):
            with pytest.raises(DataError, match=r"train2\.jpg: image without labels"):
                build("folder", root, split)

    def test_one_pair_is_not_enough(self, fx, build, tmp_path):
        with pytest.raises(DataError, match=r"train1\.jpg is the only pair, but training and validation need one each"):
            build("folder", fx.folder(tmp_path, counts=(1, 0), one_set=True))


def test_names_pair_whatever_way_their_letters_are_written(tmp_path):
    """Systems keep é as one character or as two; a copy of a folder may have the other."""
    composed, parted = "caf\u00e9", "cafe\u0301"
    images = by_name(tmp_path, [tmp_path / f"{composed}.jpg"])
    assert images.keys() == by_name(tmp_path, [tmp_path / f"{parted}.png"]).keys()
    with pytest.raises(DataError, match="have the same name"):
        by_name(tmp_path, [tmp_path / f"{composed}.jpg", tmp_path / f"{parted}.jpg"])
