import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from semsynth.data.scenes.dataset import Scenes
from semsynth.errors import DataError, EvaluationError
from semsynth.evaluation.maps import ImageFolder, JudgedMaps, collate
from semsynth.evaluation.sources import warn_of_squashed
from semsynth.metrics.pixels import eight_bits, labels_at
from semsynth.synthesis.maps import mask_decoder


@pytest.fixture
def folder(small, tmp_path):
    """Opens the pairs of `tmp_path` that `small.pairs` writes."""

    def opened(count=4, size=(16, 16), label_size=None, change=None, **protocol):
        images, labels = small.pairs(tmp_path, count, size, label_size)
        if change:
            change(images, labels)
        return ImageFolder(images, labels, mask_decoder(small.classes, small.colours, masks="ids"), 4, None,
                           small.protocol(**protocol))

    return opened


def test_images_meet_their_label_maps(folder, tmp_path):
    found = folder(5)
    assert (len(found), found.size) == (5, (16, 16))
    names = [found[i]["name"] for i in range(5)]
    assert sorted(names) == [f"{i:02d}.png" for i in range(5)]
    sample = found[2]
    assert_close(sample["truth"].numpy(), np.asarray(Image.open(tmp_path / "labels" / sample["name"])).astype(np.int64))
    pixels = np.asarray(Image.open(tmp_path / "images" / sample["name"]), np.float32)
    assert_close(sample["fake"].permute(1, 2, 0).numpy(), pixels / 127.5 - 1)
    assert_close(eight_bits(sample["fake"]), sample["fake"])


def test_colours_are_understood_as_synthesize_does(small, folder, tmp_path):
    def paint(images, labels):
        ids = np.asarray(Image.open(labels / "00.png"))
        paint.ids = ids
        Image.fromarray(np.array(small.colours, np.uint8)[ids]).save(labels / "00.png")

    found = folder(change=paint)
    sample = next(found[i] for i in range(4) if found[i]["name"] == "00.png")
    assert (sample["truth"].numpy() == paint.ids).all()


def test_sizes_of_label_maps(folder):
    assert folder(size=(8, 8), label_size=(16, 16))[0]["truth"].shape == (8, 8)
    assert folder(size=(8, 8), label_size=(16, 20))[0]["truth"].shape == (8, 8)


def test_label_maps_at_their_own_size(small, tmp_path):
    images, labels = small.pairs(tmp_path, 2, (8, 8), (16, 20))
    found = ImageFolder(images, labels, mask_decoder(small.classes, small.colours), 4, None,
                        small.protocol(label_size="native"))
    assert found[0]["truth"].shape == (16, 20)


def test_nearest_and_bilinear_label_maps():
    labels = np.array([[0, 0, 2, 2], [0, 2, 2, 2]], np.uint8)
    assert labels_at(labels, (1, 2), "bilinear").tolist() == [[0, 2]]
    assert labels_at(labels, None, "bilinear").tolist() == labels.tolist()
    assert labels_at(labels, (4, 8), "nearest").tolist() == np.kron(labels, np.ones((2, 2), int)).tolist()


def renamed(images, labels):
    (images / "01.png").rename(images / "x.png")


def one_larger(images, labels):
    Image.new("RGB", (20, 16)).save(images / "03.png")


def broken(images, labels):
    (images / "02.png").write_bytes(b"no image")


def out_of_range(images, labels):
    Image.new("L", (16, 16), 9).save(labels / "02.png")


def lone(images, labels):
    for path in (*images.glob("0[1-9].png"), *labels.glob("0[1-9].png")):
        path.unlink()


@pytest.mark.parametrize(("change", "error", "message"), [
    (renamed, EvaluationError, r"(?s)x\.png: an image without a label map.*01\.png: a label map without an image"),
    (one_larger, EvaluationError, r"03\.png: 20x16 .*00\.png has 16x16: bring all images to one size"),
    (broken, DataError, r"02\.png: cannot be decoded"),
    (lone, EvaluationError, "two or more images, there is 1"),
])
def test_what_does_not_fit_is_named_at_once(folder, change, error, message):
    with pytest.raises(error, match=message):
        folder(change=change)


def test_labels_are_checked_as_they_are_read(folder):
    found = folder(change=out_of_range)
    with pytest.raises(DataError, match=r"02\.png: label id 9 .*allowed are 0 to 3"):
        [found[i] for i in range(4)]


def test_sub_folders_endings_and_what_commands_leave_beside_pictures(small, tmp_path):
    images, labels = small.pairs(tmp_path, 4, (16, 16))
    for place, name in enumerate(("00", "01", "02", "03")):
        for folder, ending in ((images, ""), (labels, "_mask")):
            (folder / "ab"[place % 2]).mkdir(exist_ok=True)
            (folder / f"{name}.png").rename(folder / "ab"[place % 2] / f"{place // 2}{ending}.png")
    for ours in ("grid/grid.png", "plots/iou_by_frequency.png", "plots/segmenter_confusion.png"):
        (images / ours).parent.mkdir(exist_ok=True)
        Image.new("RGB", (99, 9)).save(images / ours)
    found = ImageFolder(images, labels, mask_decoder(small.classes, small.colours), 4, None, small.protocol())
    assert [(a.relative_to(images).as_posix(), b.relative_to(labels).as_posix()) for a, b in found.pairs] == [
        ("a/0.png", "a/0_mask.png"), ("a/1.png", "a/1_mask.png"), ("b/0.png", "b/0_mask.png"),
        ("b/1.png", "b/1_mask.png")]


def test_published_files_of_cityscapes(small, tmp_path):
    """Pictures in one folder, as the released code writes them; labels, instances and colours by city."""
    images, labels = small.pairs(tmp_path, 2, (8, 16))
    (labels / "town").mkdir()
    for i in range(2):
        frame = f"town_000000_{i:06d}"
        (images / f"{i:02d}.png").rename(images / f"{frame}_leftImg8bit.png")
        (labels / f"{i:02d}.png").rename(labels / "town" / f"{frame}_gtFine_labelIds.png")
        for kind in ("instanceIds", "color"):
            Image.new("RGB", (16, 8)).save(labels / "town" / f"{frame}_gtFine_{kind}.png")
    found = ImageFolder(images, labels, mask_decoder(small.classes, small.colours), 4, None, small.protocol())
    assert [b.name for _, b in found.pairs] == [f"town_000000_{i:06d}_gtFine_labelIds.png" for i in range(2)]


@pytest.mark.parametrize(("label_size", "squashed"), [((32, 64), 0), ((33, 65), 0), ((16, 31), 0), ((32, 48), 4)])
def test_maps_of_another_aspect_are_told(label_size, squashed, folder, capsys):
    found = folder(size=(16, 32), label_size=label_size)
    assert len(found.squashed) == squashed
    warn_of_squashed(found)
    told = capsys.readouterr().err
    assert ("4 of 4 label maps have another aspect than their images of 32x16" in told) == bool(squashed)


def test_turned_label_maps(small, tmp_path):
    images, labels = small.pairs(tmp_path, 2, (16, 12), (12, 16))
    found = ImageFolder(images, labels, mask_decoder(small.classes, small.colours), 4, None, small.protocol())
    with pytest.raises(EvaluationError, match="one of them is turned"):
        found[0]


def test_folders_that_are_not_there(small, tmp_path):
    decode = mask_decoder(small.classes, small.colours)
    with pytest.raises(EvaluationError, match=r"images=.*nowhere: there is no such folder"):
        ImageFolder(tmp_path / "nowhere", tmp_path, decode, 4, None, small.protocol())
    (tmp_path / "empty").mkdir()
    with pytest.raises(EvaluationError, match="no files with"):
        ImageFolder(tmp_path / "empty", tmp_path, decode, 4, None, small.protocol())


def test_maps_of_a_data_set(small):
    maps = JudgedMaps(Scenes(6, 16, split="val"), small.protocol(count=4))
    assert len(maps) == 4
    batch = collate([maps[i] for i in range(3)])
    assert batch["image"].shape == (3, 3, 16, 16)
    assert [t.shape for t in batch["truth"]] == [(16, 16)] * 3
    assert torch.equal(batch["truth"][1], batch["labels"][1])
