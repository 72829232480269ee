"""Which files synthesize.py takes, and where its pictures go."""

import numpy as np
import pytest
from PIL import Image

from semsynth.errors import DataError
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE
from semsynth.synthesis.map_styles import MapStyles
from semsynth.synthesis.maps import MapReader, find_masks, mask_decoder
from semsynth.synthesis.pictures import find_instances, synthesize

NAMES, COLOURS = ["sky", "road", "lane", "car"], [[0, 0, 255], [90, 90, 90], [90, 90, 90], [255, 0, 0]]


def write(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values)).save(path)
    return path


@pytest.fixture
def ids():
    return np.random.default_rng(0).integers(0, 4, (32, 32)).astype(np.uint8)


@pytest.fixture
def reader():
    return MapReader(NAMES, COLOURS, mask_decoder(NAMES, COLOURS), None, False, None, (32, 32))


def test_sub_folders_are_mirrored(ids, reader, tmp_path):
    network, maps = SPADEGenerator(CLADE, 4, size=(32, 32), ngf=2), tmp_path / "maps"
    for name in ("a", "day/a", "night/b"):
        write(maps / f"{name}.png", ids)
    out = maps / "out"  # a second call does not take the pictures of the first for label maps
    for _ in range(2):
        masks = find_masks(maps, out)
        assert {name: path.relative_to(maps).as_posix() for name, path in masks.items()} == {
            "a": "a.png", "day/a": "day/a.png", "night/b": "night/b.png"}
        synthesize(network, reader, masks, MapStyles(network), out, overwrite=True)
        assert {path.relative_to(out).as_posix() for path in out.rglob("*.png")} == {
            "a.png", "day/a.png", "night/b.png", "grid/grid.png"}
    with pytest.raises(DataError, match="take another folder"):
        synthesize(network, reader, {"day/a": masks["day/a"]}, MapStyles(network), maps)
    assert (np.asarray(Image.open(maps / "day/a.png")) == ids).all()


def test_two_maps_of_one_name(ids, tmp_path):
    for name in ("a.png", "a.bmp"):
        write(tmp_path / name, ids)
    with pytest.raises(DataError, match="several label maps are called a"):
        find_masks(tmp_path)


def city(root, ids):
    """Files of Cityscapes, as they lie beside each other."""
    stem = "gtFine/val/town/town_000000_000001_gtFine_"
    for ending, values in (("labelIds", ids), ("instanceIds", ids.astype(np.uint16) * 1000), ("color", [[[1, 2, 3]]])):
        write(root / f"{stem}{ending}.png", np.asarray(values, np.uint16 if ending == "instanceIds" else np.uint8))
    (root / f"{stem}polygons.json").touch()
    return root / "gtFine"


def test_a_city_of_cityscapes_with_its_instances(ids, tmp_path):
    folder = city(tmp_path, ids)
    masks = find_masks(folder)
    assert list(masks) == ["val/town/town_000000_000001_gtFine_labelIds"]
    for given in (folder, folder / "val" / "town"):
        assert [path.name for path in find_instances(masks, str(given)).values()] == [
            "town_000000_000001_gtFine_instanceIds.png"]


def test_instances_pair_by_path_and_suffix(ids, tmp_path):
    for name in ("b", "day/b", "a[1]", "a1"):
        write(tmp_path / "maps" / f"{name}.png", ids)
        write(tmp_path / "things" / f"{name}.png", ids)
        (tmp_path / "things" / f"{name}.json").touch()
    masks = find_masks(tmp_path / "maps")
    found = find_instances(masks, str(tmp_path / "things"))
    assert found == {name: tmp_path / "things" / f"{name}.png" for name in masks}
    assert find_instances(masks, None) == {}
    (tmp_path / "things/day/b.png").unlink()
    with pytest.raises(DataError, match=r"no instance map for .*day/b\.png"):
        find_instances(masks, str(tmp_path / "things"))
    with pytest.raises(DataError, match="no instance map for .*leave instances= out"):  # never the label map itself
        find_instances(masks, str(tmp_path / "maps"))
    with pytest.raises(DataError, match="nowhere: no such file or folder"):
        find_instances(masks, str(tmp_path / "nowhere"))


def test_a_colour_that_classes_share_is_the_first_of_them(ids, reader, tmp_path):
    path = write(tmp_path / "painted.png", np.array(COLOURS, np.uint8)[ids])
    expected = np.where(ids == 2, 1, ids)
    assert (reader.read(path).labels[0].numpy() == expected).all()
