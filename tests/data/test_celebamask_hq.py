"""CelebAMask-HQ: merged parts, splits, mirrored faces, SEAN's layout."""

import re

import numpy as np
import pytest

from semsynth.data.celebamask_hq import merge
from semsynth.data.check import scan
from semsynth.errors import DataError

NAME = "celebamask_hq"
SMALL = ("size=[32,32]",)


def names(dataset):
    return [pair.name for pair in dataset.pairs]


def anno(root, number, part):
    return root / f"CelebAMask-HQ-mask-anno/{number // 2000}/{number:05d}_{part}.png"


@pytest.mark.parametrize("layout", ["official", "sean"])
def test_both_layouts_give_the_same_label_maps(layout, fx, build, tmp_path):
    root = fx.celebamask_hq(tmp_path, layout=layout)
    for split, numbers in (("train", [0, 1, 1999, 2000]), ("val", [28000, 29999])):
        dataset = build(NAME, root, split, SMALL, flip_swaps=[])
        assert names(dataset) == [str(number) for number in numbers]
        for index, number in enumerate(numbers):
            label_map = dataset.read_labels(index)
            np.testing.assert_array_equal(label_map, fx.face(number).repeat(2, 0).repeat(2, 1))  # the picture's size
            assert {1, 2, 4, 5, 13} < set(np.unique(label_map).tolist())


def test_later_parts_are_painted_over_earlier_ones(fx, tmp_path):
    """In the published order: glasses over nose, eyes over glasses, a hat over hair, an earring over an ear."""
    order = ["skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear", "mouth", "u_lip", "l_lip",
             "hair", "hat", "ear_r", "neck_l", "neck", "cloth"]
    for place, part in enumerate(order):  # each leaves one more column to the ones before
        mask = np.zeros((4, 18), np.uint8)
        mask[:, place:] = 255
        fx.save(mask, tmp_path / f"00007_{part}.png")
    np.testing.assert_array_equal(merge(tmp_path / "00007_nose.png"), np.tile(np.arange(1, 19), (4, 1)))
    (tmp_path / "00007_hat.png").unlink()
    assert merge(tmp_path / "00007_nose.png")[0].tolist() == [*range(1, 14), 13, *range(15, 19)]


def test_celebas_partition(fx, build, tmp_path):
    overrides = (*SMALL, "dataset.partition=celeba")
    for layout in ("official", "sean"):
        root = fx.celebamask_hq(tmp_path / layout, layout=layout)
        assert names(build(NAME, root, "train", overrides)) == ["0", "1"]  # not 1999 and 2000, which it validates on
        assert names(build(NAME, root, "val", overrides)) == ["28000", "29999"]
    mapping = root / "CelebA-HQ-to-CelebA-mapping.txt"
    mapping.write_text(mapping.read_text().replace("162771", "x"))
    with pytest.raises(DataError, match=r"mapping\.txt: line 4 should begin with two numbers"):
        build(NAME, root, "train", overrides)
    mapping.write_text("idx orig_idx orig_file\n0 100 000101.jpg\n")
    with pytest.raises(DataError, match=r"has no line for .*/1\.jpg"):
        build(NAME, root, "train", overrides)
    mapping.unlink()
    with pytest.raises(DataError, match="the file is missing, .* dataset.partition=numbers splits without it"):
        build(NAME, root, "train", overrides)


@pytest.mark.parametrize("published", [False, True])
def test_left_and_right_change_places_in_a_mirror(published, fx, build, tmp_path):
    overrides = (*SMALL, "dataset.flip_swaps=[]") if published else SMALL
    dataset = build(NAME, fx.celebamask_hq(tmp_path), "train", overrides)
    face, seen = fx.face(0), set()
    for epoch in range(12):
        dataset.set_epoch(epoch)
        sample = dataset[0]
        flipped = bool(sample["image"][1, 0, 0] > sample["image"][1, 0, -1])
        wanted = face[:, ::-1] if flipped else face
        if flipped and not published:
            table = np.arange(19)
            table[[4, 5, 6, 7, 8, 9]] = [5, 4, 7, 6, 9, 8]
            wanted = table[wanted]
            assert sample["labels"][12, 11] == 4  # the eye on the left is the left one again
        np.testing.assert_array_equal(sample["labels"], wanted)
        seen.add(flipped)
    assert seen == {True, False}


@pytest.mark.parametrize("swaps", [[[4, 5], [5, 6]], [[4, 19]], [[4]]])
def test_swaps_that_are_none_are_refused(swaps, fx, build, tmp_path):
    with pytest.raises(ValueError, match="flip_swaps must be pairs of classes below 19, each class once"):
        build(NAME, fx.celebamask_hq(tmp_path), flip_swaps=swaps)


def test_a_region_of_a_class_is_an_instance(fx, build, tmp_path):
    dataset = build(NAME, fx.celebamask_hq(tmp_path), "train", (*SMALL, "dataset.instances=true"))
    np.testing.assert_array_equal(dataset.read_instances(0), dataset.read_labels(0))
    assert dataset.read_instances(0).dtype == np.int32


def test_faults(fx, build, tmp_path):
    root = fx.celebamask_hq(tmp_path)
    for path in anno(root, 1, "skin").parent.glob("00001_*.png"):
        path.unlink()
    fx.save(np.zeros((8, 8), np.uint8), anno(root, 0, "cloth"))
    anno(root, 1999, "nose").write_bytes(b"x")
    (root / "CelebA-HQ-img/2000.jpg").unlink()
    faults = scan(build(NAME, root, "train", SMALL, strict=False), threads=1).faults
    assert len(faults) == 3  # masks in a folder without pictures are not looked at
    for part in ("1.jpg: image without labels", "00000_cloth.png: 8x8 .* 32x32: take the published file",
                 "00001999|01999_nose.png"):
        assert any(re.search(part, fault) for fault in faults), (part, faults)


def test_two_layouts_at_once_are_a_question(fx, build, tmp_path):
    root = fx.celebamask_hq(fx.celebamask_hq(tmp_path), layout="sean")
    with pytest.raises(DataError, match="set dataset.files=official or dataset.files=sean"):
        build(NAME, root)
    for files in ("official", "sean"):
        assert len(build(NAME, root, overrides=[f"dataset.files={files}"])) == 4
    for key in ("files", "partition"):
        with pytest.raises(Exception, match=f"{key} must be one of"):
            build(NAME, root, overrides=[f"dataset.{key}=x"])
