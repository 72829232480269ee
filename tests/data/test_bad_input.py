"""Every fault in the files is answered with the file and the way out."""

import errno
import os
import re

import numpy as np
import pytest
import yaml
from PIL import Image

from semsynth.data.classes import load_classes
from semsynth.data.decoding import picture_size
from semsynth.data.masks import read_mask
from semsynth.data.pictures import read_picture
from semsynth.errors import DataError


def cut(path, keep=0.6):
    """Truncate a file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    return path


def repaint(fx, path, change, palette=None):
    """Change the array of an image file in place."""
    array = np.array(Image.open(path))
    changed = change(array)
    return fx.save(array if changed is None else changed, path, palette)


@pytest.mark.parametrize("name", ["camvid", "cityscapes", "ade20k", "ade20k_outdoor", "coco_stuff", "celebamask_hq",
                                  "deepfashion", "folder"])
def test_missing_root_tells_layout_and_place(name, build, tmp_path, monkeypatch):
    monkeypatch.setenv("SEMSYNTH_DATA", "/somewhere")
    if name == "folder":
        (tmp_path / "classes.yaml").write_text("classes: [{name: a}]")
    root = tmp_path if name == "folder" else tmp_path / "nowhere"
    with pytest.raises(DataError) as caught:
        build(name, root)
    message = str(caught.value)
    for part in (str(root), "Expected layout:", "ROOT/", "dataset.root=DIR", "SEMSYNTH_DATA is '/somewhere'"):
        assert part in message


def test_relative_root_is_shown_in_full(build, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEMSYNTH_DATA", raising=False)
    with pytest.raises(DataError, match=re.escape(f"there is no folder data/camvid (that is {tmp_path}/data/camvid)")):
        build("camvid", "data/camvid")


def test_image_without_labels_and_labels_without_image(fx, build, tmp_path):
    root = fx.camvid(tmp_path)
    (root / "trainannot/train_2.png").unlink()
    (root / "train/train_3.jpg").unlink()
    with pytest.raises(DataError) as caught:
        build("camvid", root)
    assert re.search(r"train_2\.jpg: image without labels .* add it or remove", str(caught.value))
    assert re.search(r"train_3\.png: labels without an image .* add it or remove", str(caught.value))
    assert len(build("camvid", root, strict=False)) == 2


def test_many_faults_are_cut_short(fx, build, tmp_path):
    root = fx.camvid(tmp_path)
    for i in range(60):
        (root / "train" / f"lone_{i}.jpg").touch()
    with pytest.raises(DataError) as caught:
        build("camvid", root)
    assert len(str(caught.value).splitlines()) == 52
    assert re.search(r"\.\.\. and 10 more\n60 faults .* `python tools/check_data\.py`", str(caught.value))


def test_missing_instance_map_names_the_override(fx, build, tmp_path):
    root = fx.cityscapes(tmp_path / "cityscapes")
    next(root.rglob("train/**/*instanceIds.png")).unlink()
    with pytest.raises(DataError, match=r"_leftImg8bit\.png: no instance map.*dataset\.instances=false"):
        build("cityscapes", root)
    assert len(build("cityscapes", root, overrides=["dataset.instances=false"])) == 4
    root = fx.folder(tmp_path / "folder")
    for path in (root / "train/instances").iterdir():
        path.unlink()
    (root / "train/instances").rmdir()
    with pytest.raises(DataError, match=r"train/instances is missing.*dataset\.instances=false"):
        build("folder", root, overrides=["dataset.instances=true"])


def test_empty_folder(fx, build, tmp_path):
    root = fx.camvid(tmp_path, counts=(0, 1))
    (root / "train").mkdir()
    (root / "trainannot").mkdir()
    with pytest.raises(DataError, match="no train samples"):
        build("camvid", root)


def test_label_out_of_range(fx, build, tmp_path):
    def change(array):
        array[5, 7], array[5, 8] = 13, 200

    dataset = build("camvid", fx.camvid(tmp_path))
    path = repaint(fx, dataset.pairs[1].labels, change)
    pattern = rf"{path}: label id 13 at row 5, column 7 is out of range \(.*13, 200\): allowed are 0 to 11; 255 counts"
    with pytest.raises(DataError, match=pattern):
        dataset[1]
    assert dataset[0]["labels"].max() < 12


def test_dont_care_without_an_unknown_class(fx, build, tmp_path):
    dataset = build("folder", fx.folder(tmp_path))
    repaint(fx, dataset.pairs[0].labels, lambda array: array.__setitem__((2, 3), 255))
    with pytest.raises(DataError, match=r"label id 255 at row 2, column 3.*allowed are 0 to 2.*dataset\.unknown"):
        dataset[0]


def test_ids_not_in_classes_yaml(fx, build, tmp_path):
    root = fx.folder(tmp_path)
    (root / "classes.yaml").write_text("classes: [{name: a, id: 0}, {name: b, id: 1}, {name: c, id: 7}]")
    with pytest.raises(DataError, match=r"label id 2 at row \d+, column \d+ is no class's id: allowed are 0, 1, 7"):
        build("folder", root)[0]


@pytest.mark.parametrize("label", [-1, -255, 2**31 - 1])
def test_ids_far_from_those_of_classes_yaml(label, fx, build, tmp_path):
    root = fx.folder(tmp_path)
    (root / "classes.yaml").write_text("classes: [{name: a, id: 1}, {name: b, id: 2}, {name: c, id: 300}]")
    dataset = build("folder", root)
    ids = np.full((48, 64), 2, np.int32)
    ids[5, 7] = label
    path = dataset.pairs[0].labels.with_suffix(".tif")
    Image.fromarray(ids).save(path)
    with pytest.raises(DataError, match=rf"{path}: label id {label} at row 5, column 7 is no class's id"):
        dataset.source.read_labels(path)


def test_unknown_colour(fx, build, tmp_path):
    dataset = build("folder", fx.folder(tmp_path, kind="colours"))
    path = repaint(fx, dataset.pairs[0].labels, lambda array: array.__setitem__((4, 6), (200, 61, 50)))
    pattern = rf"{path}: unknown colour \[200, 61, 50\] at row 4, column 6 .*nearest class is house.*classes\.yaml"
    with pytest.raises(DataError, match=pattern):
        dataset[0]


def test_colour_mask_where_ids_are_expected(fx, build, tmp_path):
    dataset = build("camvid", fx.camvid(tmp_path))
    fx.save(fx.picture(), dataset.pairs[0].labels)
    with pytest.raises(DataError, match=r"a colour image, but label ids.*dataset=folder"):
        dataset[0]


def test_grey_mask_where_colours_are_expected(fx, build, tmp_path):
    with pytest.raises(DataError, match=r"a grey mask, but dataset\.masks=colours"):
        build("folder", fx.folder(tmp_path), overrides=["dataset.masks=colours"])[0]


def test_two_classes_of_one_colour(fx, build, tmp_path):
    root = fx.folder(tmp_path, kind="colours")
    rows = [*({"name": name, "colour": colour} for name, colour in zip("abc", fx.COLOURS, strict=True)),
            {"name": "d", "colour": [1, 2, 3]}, {"name": "e", "colour": [1, 2, 3]}]
    (root / "classes.yaml").write_text(yaml.safe_dump({"classes": rows}))
    assert set(np.unique(build("folder", root).read_labels(0))) <= {0, 1, 2}  # the shared colour does not occur
    rows[3]["colour"] = fx.COLOURS[1]
    (root / "classes.yaml").write_text(yaml.safe_dump({"classes": rows}))
    with pytest.raises(DataError, match=r"png: the classes b and d have the same colour \[30, 160, 40\], .* row \d+"):
        build("folder", root)[0]


@pytest.mark.parametrize("part", ["labels", "instances"])
def test_sizes_differ_within_a_pair(part, fx, build, tmp_path):
    dataset = build("folder", fx.folder(tmp_path), overrides=["dataset.instances=true"])
    path = repaint(fx, getattr(dataset.pairs[0], part), lambda array: array[:-2, :-1])
    with pytest.raises(DataError, match=rf"{path}: 63x46 \(width x height\), but its image .*train1\.jpg has 64x48"):
        dataset[0]
    repaint(fx, path, lambda array: array[::2, ::2][:23])  # half, and rounded otherwise
    with pytest.raises(DataError, match=r"32x23 .* set dataset\.resize_masks=true"):
        dataset[0]


@pytest.mark.parametrize("overrides", [[], ["dataset.preprocess=crop", "size=[16,16]"]])
def test_masks_of_half_size_where_that_is_wished(overrides, fx, build, tmp_path):
    root = fx.folder(tmp_path)
    wish = ["dataset.instances=true", "dataset.resize_masks=true", *overrides]
    dataset = build("folder", root, overrides=wish)
    for kind in ("labels", "instances"):
        for path in (root / "train" / kind).iterdir():
            half = np.repeat(np.repeat(np.array(Image.open(path))[::2, ::2], 2, 0), 2, 1)
            fx.save(half, path)
    expected = [dataset[index] for index in range(len(dataset))]
    for kind in ("labels", "instances"):
        for path in (root / "train" / kind).iterdir():
            repaint(fx, path, lambda array: array[::2, ::2])
    for index, sample in enumerate(expected):
        for kind in ("image", "labels", "instances"):
            assert (dataset[index][kind] == sample[kind]).all()
        assert (dataset.label_map(index)["labels"] == sample["labels"]).all()  # its image is not read
    path = repaint(fx, dataset.pairs[0].labels, lambda array: array[:, :-4])
    with pytest.raises(DataError, match=rf"{path}: 28x24 .* another aspect, so it is no scaled copy"):
        dataset[0]


@pytest.mark.parametrize("part", ["image", "labels"])
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_truncated_files(part, suffix, fx, build, tmp_path):
    dataset = build("camvid", fx.camvid(tmp_path, suffix=suffix))
    path = cut(getattr(dataset.pairs[0], part))
    with pytest.raises(DataError, match=rf"{path}: cannot be decoded.*replace it"):
        dataset[0]


def test_files_that_are_no_images_or_are_gone(fx, build, tmp_path):
    dataset = build("camvid", fx.camvid(tmp_path))
    dataset.pairs[0].image.write_text("hello")
    with pytest.raises(DataError, match="train_1.jpg: cannot be decoded"):
        dataset[0]
    dataset.pairs[1].labels.unlink()
    with pytest.raises(DataError, match="train_2.png: the file is missing"):
        dataset[1]


def test_two_files_of_one_name(fx, build, tmp_path):
    root = fx.camvid(tmp_path)
    fx.save(fx.picture(), root / "train/train_1.png")
    with pytest.raises(DataError, match=r"train_1\.jpg and .*train_1\.png have the same name"):
        build("camvid", root)


def test_lossy_masks(fx, build, tmp_path):
    root = fx.folder(tmp_path)
    for path in (root / "train/labels").iterdir():
        path.rename(path.with_suffix(".jpg"))
    with pytest.raises(DataError, match=r"train1\.jpg: masks must be stored without loss"):
        build("folder", root)


def test_unknown_city(fx, build, tmp_path):
    with pytest.raises(DataError, match="atlantis is missing"):
        build("cityscapes", fx.cityscapes(tmp_path), overrides=["dataset.cities=[atlantis]"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("classes: [a, a]", "name a occurs more than once"),
        ("classes: [{name: a, id: 1}, {name: b}]", "id 1 occurs more than once"),
        ("classes: [{name: a, colour: [1, 2]}]", r"class 0: a colour is \[red, green, blue\]"),
        ("classes: [{name: a, colour: [1, 2, 256]}]", r"class 0: a colour is \[red, green, blue\]"),
        ("classes: [{name: a, id: x}]", "class 0: an id is an integer"),
        ("classes: [{label: a}]", "class 0: expected name, colour"),
        ("classes: [a]\nunknown: b", "unknown: b is no class; it names one of a"),
        ("classes: {a: 1}", "expected a list under `classes:`"),
        ("a: [", "cannot be read: .* line 2"),
    ],
)
def test_classes_yaml(text, message, tmp_path):
    (tmp_path / "classes.yaml").write_text(text)
    with pytest.raises(DataError, match=message):
        load_classes(tmp_path)


def test_classes_yaml_missing_says_how_to_draft_it(tmp_path):
    with pytest.raises(DataError, match=r"classes\.yaml is missing[\s\S]*write_classes=true"):
        load_classes(tmp_path)


def test_classes_yaml_read(fx, tmp_path):
    root = fx.folder(tmp_path)
    table = load_classes(root)
    assert (table.names, table.colours) == (["sky", "grass", "house"], fx.COLOURS)
    (root / "classes.yaml").write_text("classes: [a, b]")
    table = load_classes(root)
    names, colours = table.names, table.colours
    assert names == ["a", "b"]
    assert colours[0] != colours[1]


def test_a_pipe_in_place_of_a_picture_is_no_file(tmp_path):
    """Reading it would wait for a writer."""
    os.mkfifo(tmp_path / "a.png")
    for read in (read_picture, read_mask, picture_size):
        with pytest.raises(DataError, match=r"a.png: this is no file"):
            read(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"b.png: the file is missing"):
        read_picture(tmp_path / "b.png")


def test_a_machine_without_handles_is_not_the_fault_of_a_picture(tmp_path, monkeypatch):
    def none_left(path):
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    monkeypatch.setattr("semsynth.data.decoding.Image.open", none_left)
    with pytest.raises(OSError, match="Too many open files"):
        read_picture(tmp_path / "a.png")
