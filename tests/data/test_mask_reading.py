"""Ids or colours: one decision for all masks of a data set, and words where they do not tell."""

import numpy as np
import pytest
from PIL import Image

from semsynth.config import finalize
from semsynth.data.classes import ClassTable, load_classes
from semsynth.data.draft import draft_classes, write_draft
from semsynth.data.folder import Folder
from semsynth.data.mask_files import label_files
from semsynth.data.mask_reading import decide
from semsynth.errors import ConfigError, DataError

RED, BLACK, BLUE, GREEN = [128, 0, 0], [0, 0, 0], [0, 0, 142], [0, 128, 0]
TABLE = ClassTable(["road", "background", "car"], [RED, BLACK, BLUE], [0, 1, 2])


@pytest.fixture
def write(fx, tmp_path):
    """Write masks a.png, b.png, ... from arrays, or (array, palette), and return their paths."""

    def run(*masks):
        paths = [tmp_path / f"{name}.png" for name, _ in zip("abcdefgh", masks, strict=False)]
        for path, mask in zip(paths, masks, strict=True):
            array, palette = mask if isinstance(mask, tuple) else (mask, None)
            fx.save(np.array(array, np.uint8), path, palette)
        return paths

    return run


def test_one_mask_that_tells_decides_for_all(write):
    viewer = [BLACK, RED, GREEN]
    paths = write(([[0, 1]], viewer), ([[0, 0]], viewer), ([[1, 2]], viewer))  # green is no class: these are ids
    assert decide(TABLE, paths) == decide(TABLE, paths[::-1]) == "ids"
    assert decide(TABLE, write([[RED, BLACK]], [[BLACK, BLACK]])) == "colours"
    assert decide(TABLE, write(np.zeros((2, 2, 3)), np.full((2, 2, 3), 2))) == "ids"  # ids stored as grey RGB
    assert decide(TABLE, write([[0, 0]], [[0, 2]])) == "ids"
    assert decide(TABLE, write(([[0, 9]], [RED] * 9 + [BLUE]))) == "colours"  # index 9 is no class


@pytest.mark.parametrize("value", [-1, 300])
def test_what_no_byte_holds_is_no_colour(value, tmp_path):
    """Not even that of a class which is nearest to it."""
    table = ClassTable(["road", "sky"], [BLACK, [255, 255, 255]], [7, 8])
    Image.fromarray(np.full((2, 2), value, np.int32)).save(tmp_path / "a.tif")
    assert decide(table, [tmp_path / "a.tif"]) == "ids"


def test_palettes_that_number_their_colours_differently_hold_no_ids(write):
    paths = write(([[0, 1]], [RED, BLACK]), ([[0, 1]], [BLACK, RED]))
    assert decide(TABLE, paths) == "colours"
    paths = write(([[0, 1]], [RED, GREEN]), ([[0, 1]], [GREEN, RED]))
    with pytest.raises(DataError, match=r"palette index 0 is \[.*\] in .*\.png, \[.*\] in .*\.png: such indices are no "
                                        r"ids; .* \[0, 128, 0\] is no class's colour.*dataset\.masks=ids or"):
        decide(TABLE, paths)


def test_what_two_readings_fit_is_refused_with_both(write):
    paths = write(([[1, 0]], [BLACK, RED]), ([[0, 0]], [BLACK, RED]))
    with pytest.raises(DataError, match=r"[ab]\.png: both ids and colours of classes: the pixels with id 0 and colour "
                                        r"\[0, 0, 0\] are road by id, background by colour; .*dataset\.masks=ids or "
                                        r"dataset\.masks=colours, or a line `masks: ids`"):
        decide(TABLE, paths)
    assert decide(TABLE, write(([[0, 1, 2]], [RED, BLACK, BLUE]))) == "ids"  # both readings give the same


def test_white_is_a_colour_where_255_is_no_id(write):
    two = ClassTable(["back", "front"], [BLACK, [255, 255, 255]], [0, 1])
    for mask in ([[0, 255]], [[BLACK, [255, 255, 255]]]):
        assert decide(two, write(mask)) == "colours"
    assert decide(ClassTable(["back", "front"], [BLACK, RED], [0, 1]), write([[0, 255, 1]])) == "ids"  # don't-care


def test_two_kinds_of_masks_are_refused(write, fx, build, tmp_path):
    with pytest.raises(DataError, match="neither ids nor colours throughout.*Bring all masks to one kind"):
        decide(TABLE, write(([[0, 1]], [RED, GREEN]), [[RED, BLUE]]))
    root = fx.folder(tmp_path / "root")
    fx.save(np.array(fx.COLOURS, np.uint8)[np.array(Image.open(root / "train/labels/train2.png"))],
            root / "train/labels/train2.png")
    with pytest.raises(DataError, match=r"train2\.png: holds colours, but ids tell the classes .*dataset\.masks=ids"):
        [build("folder", root).read_labels(index) for index in range(4)]


def test_classes_of_one_colour_are_told_by_ids(write):
    assert decide(ClassTable(["a", "b"], [RED, RED], [0, 1]), write(([[0, 1]], [RED, RED]))) == "ids"


def test_masks_that_fit_nothing_or_are_broken_leave_the_decision_to_others(write):
    paths = write([[7, 8]], [[RED, BLUE]], [[0, 1]])
    paths[2].write_bytes(b"broken")
    assert decide(TABLE, paths) == "colours"
    assert decide(TABLE, paths[:1]) == "ids"  # reading says what is wrong with it
    assert decide(TABLE, paths[2:]) == decide(TABLE, []) == "auto"


def test_the_decision_looks_at_both_splits_and_is_recorded(fx, compose, tmp_path):
    root = fx.folder(tmp_path)
    (root / "classes.yaml").write_text("classes:\n" + "".join(
        f"- {{name: {name}, colour: {colour}}}\n" for name, colour in zip(TABLE.names, TABLE.colours, strict=True)))
    for path in root.rglob("labels/*.png"):
        ids = np.array(Image.open(path))
        fx.save(ids if "val2" in path.name else ids.clip(max=1), path, [BLACK, RED, GREEN])
    source = Folder(root, "train")
    np.testing.assert_array_equal(source.read_labels(root / "train/labels/train1.png"),
                                  np.array(Image.open(root / "train/labels/train1.png")))
    assert finalize(compose("folder", root)).dataset.masks == "ids"
    assert finalize(compose("folder", root, "dataset.masks=colours")).dataset.masks == "colours"
    (root / "val/labels/val2.png").unlink()
    with pytest.raises(ConfigError, match="road by id, background by colour"):
        finalize(compose("folder", root))
    for path in root.rglob("labels/*.png"):
        path.unlink()
    assert finalize(compose("folder", root)).dataset.masks == "auto"


def test_classes_yaml_says_it(fx, tmp_path):
    root = fx.folder(tmp_path)
    text = (root / "classes.yaml").read_text()
    (root / "classes.yaml").write_text(text + "masks: colours\n")
    with pytest.raises(DataError, match="a grey mask"):
        Folder(root, "train").read_labels(root / "train/labels/train1.png")
    (root / "classes.yaml").write_text(text + "masks: names\n")
    with pytest.raises(DataError, match=r"classes\.yaml: masks: 'names': write one of auto, ids, colours"):
        load_classes(root)


def test_a_draft_of_palettes_that_disagree_goes_by_colour(fx, build, tmp_path):
    root = fx.folder(tmp_path)
    wanted = build("folder", root).read_labels(0)
    for i, path in enumerate(sorted(root.rglob("labels/*.png"))):
        ids, order = np.array(Image.open(path)), np.roll(np.arange(3), i)
        fx.save(np.argsort(order).astype(np.uint8)[ids], path, np.array(fx.COLOURS)[order].tolist())
    write_draft(root / "classes.yaml", lambda: draft_classes(root), overwrite=True)
    table = load_classes(root)
    assert table.masks == "colours"
    shown = np.array(table.colours)[build("folder", root).read_labels(0)]
    np.testing.assert_array_equal(shown, np.array(fx.COLOURS)[wanted])


def test_folders_without_a_readable_mask_say_why(fx, tmp_path):
    assert label_files(tmp_path) == []
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(DataError, match=r"a\.json: no mask that can be read: masks are PNG"):
        label_files(tmp_path)
    fx.save(fx.picture(), tmp_path / "b.jpg")
    with pytest.raises(DataError, match=r"b\.jpg: masks must be stored without loss, and JPEG"):
        label_files(tmp_path)
    (tmp_path / "train").mkdir()
    (tmp_path / "labels").mkdir()
    fx.save(fx.picture(), tmp_path / "labels/b.jpg")
    with pytest.raises(DataError, match=r"labels/b\.jpg: masks must be stored without loss"):
        draft_classes(tmp_path)
    fx.save(np.zeros((4, 4), np.uint8), tmp_path / "c.gif")
    assert label_files(tmp_path) == [tmp_path / "c.gif"]


def test_a_draft_of_thousands_of_ids_is_refused_at_once(fx, tmp_path):
    fx.save(np.arange(3072, dtype=np.uint16).reshape(48, 64), tmp_path / "labels/a.png")
    with pytest.raises(DataError, match=r"a\.png: with this mask there are more than 1000 ids: these are instances"):
        draft_classes(tmp_path)
