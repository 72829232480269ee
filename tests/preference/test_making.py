"""Studies made of folders."""

import json
import os
import re
import shutil
from collections import Counter

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from raters import SHADES, plan, study_of, write_folders

from semsynth.errors import PreferenceError
from semsynth.preference.making import choose
from semsynth.preference.study import read_study


@pytest.fixture
def place(tmp_path):
    return write_folders(tmp_path)


def pixels(folder, file):
    return np.asarray(Image.open(folder / "pictures" / file))


def test_pairs_are_the_same_map_drawn_by_both(place):
    folder = study_of(place, plan(pairs=12))
    study = read_study(folder)
    assert sorted(item.picture for item in study.items) == sorted(map(str, range(12)))
    for item in study.items:
        for method, file in zip(item.methods, item.files, strict=True):
            drawn = pixels(folder, file)
            assert tuple(drawn[1, 1]) == SHADES[method]
            assert (drawn[0, 0] == int(item.picture)).all()


def test_files_tell_nothing_of_their_maker(place):
    """Names are random, and what a method's program wrote into its files is gone."""
    told = PngInfo()
    told.add_text("Software", "theirs")
    Image.new("RGB", (12, 8), "blue").save(place / "b" / "0.png", pnginfo=told)
    exif = Image.Exif()
    exif[0x0131] = "ours"
    Image.new("RGB", (12, 8), "red").save(place / "a" / "0.jpg", exif=exif)
    (place / "a" / "0.png").unlink()
    folder = study_of(place, plan(pairs=12))
    files = [file for item in read_study(folder).items for file in item.files]
    assert len({*files}) == 24
    for file in files:
        assert re.fullmatch(r"[0-9a-f]{32}\.png", file)
        picture = Image.open(folder / "pictures" / file)
        assert (picture.format, picture.mode, picture.info) == ("PNG", "RGB", {})
    names = json.dumps([path.name for path in folder.rglob("*")])
    assert "ours" not in names
    assert "theirs" not in names


def test_a_study_is_on_the_disk_with_its_pictures_before_anybody_votes(place, monkeypatch):
    synced, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino) or fsync(handle))
    folder = study_of(place, plan(pairs=2))
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 5
    assert {path.stat().st_ino for path in (*files, folder / "pictures", folder, place)} <= {*synced}
    assert synced[-2:] == [(folder / "study.json").stat().st_ino, folder.stat().st_ino]


def test_the_seed_chooses_pictures_and_pages_share_none(place):
    layout = plan(pairs=3, pages=2)
    chosen = choose(layout, list("abcdefghijkl"), 0)
    assert chosen == choose(layout, list("abcdefghijkl"), 0)
    assert chosen != choose(layout, list("abcdefghijkl"), 1)
    assert len({name for _, name, *_ in chosen}) == 6
    assert Counter(page for page, *_ in chosen) == {0: 3, 1: 3}


def test_times_and_comparisons_are_balanced_on_every_page(place):
    layout = plan(comparisons=[["a", "real"], ["a", "b"]], pairs=2, pages=2, times=[125, 8000], sentinels=3,
                  sentinel_time=4000)
    study = read_study(study_of(place, layout))
    kinds = Counter((item.page, item.methods, item.time_ms) for item in study.items if not item.sentinel)
    assert kinds == {(page, methods, time): 2 for page in (0, 1) for methods in (("a", "real"), ("a", "b"))
                     for time in (125, 8000)}
    sentinels = [item for item in study.items if item.sentinel]
    assert Counter((item.page, item.methods, item.time_ms) for item in sentinels) == {
        (0, ("real", "b"), 4000): 3, (1, ("real", "b"), 4000): 3}


def test_sentinels_are_pictures_that_their_page_does_not_show_otherwise():
    chosen = choose(plan(pairs=6, pages=2, sentinels=6), list("abcdefghijkl"), 0)
    for page in (0, 1):
        its = {sentinel: {name for on, name, *_, kind in chosen if on == page and kind == sentinel}
               for sentinel in (False, True)}
        assert len(its[True]) == 6
        assert not its[True] & its[False]
    few = choose(plan(pairs=4, sentinels=2), list("abcd"), 0)  # as far as there are such
    assert len({name for _, name, *_, kind in few if kind}) == 2


def test_too_few_pictures_are_told(place):
    with pytest.raises(PreferenceError, match=r"needs 26 pictures, and 12 have .* preset.pairs=13, preset.pages=2"):
        study_of(place, plan(pairs=13, pages=2))
    assert not (place / "study").exists()


def test_sizes_that_would_tell_the_methods_apart(place):
    for index in range(12):
        Image.new("RGB", (24, 16), "blue").save(place / "b" / f"{index}.png")
    with pytest.raises(PreferenceError, match=r"a/\d+\.png has 12x8, .*b/\d+\.png has 24x16.*size=\[H,W\]"):
        study_of(place, plan())
    assert not list((place / "study").rglob("*"))  # so that the next try may have the folder
    folder = study_of(place, plan(show_map=True), size=(8, 10))
    item = read_study(folder).items[0]
    assert {pixels(folder, file).shape for file in (*item.files, item.map)} == {(8, 10, 3)}


def test_maps_are_shown_in_their_colours(place):
    item = read_study(study_of(place, plan(show_map=True))).items[0]
    assert tuple(pixels(place / "study", item.map)[1, 1]) == SHADES["maps"]
    shutil.rmtree(place / "study")
    for index in range(12):
        Image.new("L", (12, 8), index).save(place / "maps" / f"{index}.png")
    with pytest.raises(PreferenceError, match="no colours"):
        study_of(place, plan(show_map=True))


def test_folders_that_share_no_name(place):
    for path in (place / "b").iterdir():
        path.rename(path.with_name(f"x{path.name}"))
    with pytest.raises(PreferenceError, match="one name in all folders .a has 0, b has x0"):
        study_of(place, plan())


def test_a_folder_that_is_used_is_left_alone(place):
    folder = study_of(place, plan())
    before = (folder / "study.json").read_bytes()
    with pytest.raises(PreferenceError, match="there already"):
        study_of(place, plan())
    assert (folder / "study.json").read_bytes() == before
