"""The folder that synthesize.py writes to: what it takes, what it goes on with."""

import os

import pytest

from semsynth.errors import DataError
from semsynth.synthesis.output import MADE_WITH, open_output

WORDS = {"seed": 0, "samples": 2}


def test_pictures_do_not_mix_with_those_of_before(tmp_path):
    assert open_output(tmp_path / "out", False).folder == tmp_path / "out"
    open_output(tmp_path / "out", False)  # empty
    (tmp_path / "out" / "grid").mkdir()
    (tmp_path / "out" / "grid" / "grid.png").touch()
    with pytest.raises(DataError, match=r"out holds 1 files already \(grid\.png .*overwrite=true"):
        open_output(tmp_path / "out", False)
    open_output(tmp_path / "out", True)


def test_a_folder_of_the_same_words_is_gone_on_with(tmp_path):
    label_map, picture = tmp_path / "map.png", tmp_path / "out" / "map.png"
    label_map.touch()
    first = open_output(tmp_path / "out", False, WORDS)
    assert not first.holds(picture, label_map)
    picture.touch()
    (tmp_path / "out" / "map.png.01234567.partial").touch()  # of a writer that was killed
    assert first.holds(picture, label_map)
    assert open_output(tmp_path / "out", False, WORDS) == first
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["grid", "map.png"]
    with pytest.raises(DataError, match=r"made with other words \(seed\)"):
        open_output(tmp_path / "out", False, WORDS | {"seed": 1})


@pytest.mark.parametrize("change", ["map", "words", "nothing said"])
def test_pictures_of_before_are_drawn_again(tmp_path, change):
    label_map, picture = tmp_path / "map.png", tmp_path / "out" / "map.png"
    label_map.touch()
    open_output(tmp_path / "out", False, WORDS)
    picture.touch()
    written = picture.stat().st_mtime_ns
    if change == "map":
        os.utime(label_map, ns=(written + 1, written + 1))
        assert not open_output(tmp_path / "out", False, WORDS).holds(picture, label_map)
    elif change == "words":  # replaced by those of others, which were stopped before this picture
        os.utime(picture, ns=(written - 10**9, written - 10**9))
        os.utime(label_map, ns=(written - 10**10, written - 10**10))
        open_output(tmp_path / "out", True, WORDS | {"seed": 1})
        assert not open_output(tmp_path / "out", False, WORDS | {"seed": 1}).holds(picture, label_map)
    else:
        (tmp_path / "out" / MADE_WITH).write_text("{")
        with pytest.raises(DataError, match="holds 2 files already"):
            open_output(tmp_path / "out", False, WORDS)
