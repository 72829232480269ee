"""Paintings with smoothed edges become label maps."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from semsynth.errors import DataError
from semsynth.synthesis.maps import mask_decoder
from semsynth.synthesis.snap import Snap, offered

# purple lies between red and blue, where a plain nearest colour would find it
NAMES, COLOURS = ["red", "blue", "purple"], [[255, 0, 0], [0, 0, 255], [128, 40, 128]]


def painted(size, smooth):
    """A red disc and a purple corner on blue; smoothed by averaging a drawing of a larger size."""
    big = Image.new("RGB", (size * 4, size * 4), tuple(COLOURS[1]))
    draw = ImageDraw.Draw(big)
    draw.ellipse([size, size, size * 3, size * 3], tuple(COLOURS[0]))
    draw.rectangle([0, 0, size // 2, size // 2], tuple(COLOURS[2]))
    return big.resize((size, size), Image.BOX if smooth else Image.NEAREST)


def test_smoothed_edges_take_the_class_beside_them(tmp_path):
    painted(64, True).save(tmp_path / "own.png")
    painting = Snap(NAMES, COLOURS)
    labels = mask_decoder(NAMES, COLOURS, painting=painting)(tmp_path / "own.png")
    sharp = mask_decoder(NAMES, COLOURS)
    painted(64, False).save(tmp_path / "sharp.png")
    wanted = sharp(tmp_path / "sharp.png")
    assert labels.dtype == np.int32
    assert (labels != wanted).mean() < 0.03  # along the edge only
    assert not (labels[12:, 12:] == 2).any()
    share = painting.shares[tmp_path / "own.png"]
    assert 0.01 < share < 0.1
    (line,) = painting.lines()
    assert line.startswith(f"{tmp_path}/own.png: {100 * share:.1f}% of the pixels had colours of no class")
    with pytest.raises(DataError, match="unknown colour.* snap=true takes smoothed edges"), offered():
        sharp(tmp_path / "own.png")


def test_what_is_sharp_stays_and_nothing_is_said(tmp_path):
    painted(32, False).save(tmp_path / "a.png")
    painting = Snap(NAMES, COLOURS)
    assert (mask_decoder(NAMES, COLOURS, painting=painting)(tmp_path / "a.png")
            == mask_decoder(NAMES, COLOURS)(tmp_path / "a.png")).all()
    assert painting.lines() == []


def test_colours_that_are_nearly_a_class_and_ids(tmp_path):
    ids = np.array([[0, 1], [2, 1]], np.uint8)
    noisy = np.array(COLOURS, np.int32)[ids] + np.array([3, 4, -5])
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(tmp_path / "jpeg_like.png")
    Image.fromarray(ids).save(tmp_path / "ids.png")
    read = mask_decoder(NAMES, COLOURS, painting=Snap(NAMES, COLOURS))
    assert (read(tmp_path / "jpeg_like.png") == ids).all()
    assert (read(tmp_path / "ids.png") == ids).all()


def test_a_photograph_is_no_painting(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (16, 16, 3)).astype(np.uint8)
    with pytest.raises(DataError, match=r"x\.png: \d\d+% of the pixels .*nearest is .*snap=true takes up to 25%"):
        Snap(NAMES, COLOURS).read(pixels, tmp_path / "x.png")


def test_unknown_colours_are_counted_in_plain_numbers(tmp_path):
    Image.new("RGB", (8, 8), (9, 90, 9)).save(tmp_path / "x.png")
    with pytest.raises(DataError, match=r"\(100 % of the pixels"):
        mask_decoder(NAMES, COLOURS)(tmp_path / "x.png")


def test_a_picture_of_many_colours_takes_no_more_work_than_its_pixels(tmp_path, monkeypatch):
    """Distances to all classes are made for one colour of what is refused, and in blocks for edges far from a class."""
    rng = np.random.default_rng(0)
    blocks, nearest = [], Snap._nearest

    def counted(self, colours):
        blocks.append(len(colours))
        return nearest(self, colours)

    monkeypatch.setattr(Snap, "_nearest", counted)
    monkeypatch.setattr("semsynth.synthesis.snap.BLOCK", 100 * 3 * len(COLOURS))
    noise = rng.integers(100, 256, (200, 200, 3), np.uint8)
    with pytest.raises(DataError, match="100% of the pixels"):
        Snap(NAMES, COLOURS).read(noise, tmp_path / "x.png")
    assert blocks == [1]
    blocks.clear()
    painting = np.full((200, 200, 3), COLOURS[1], np.uint8)
    painting[:50, :50] = noise[:50, :50]
    labels = Snap(NAMES, COLOURS).read(painting, tmp_path / "x.png")
    assert max(blocks) <= 100
    assert 2000 < sum(blocks) < 2500  # what lies beside blue is blue
    wanted = np.abs(noise[:40, :40, None].astype(int) - COLOURS).sum(3).argmin(2)
    assert (labels[:40, :40] == wanted).all()


def test_of_a_picture_that_is_much_larger_than_needed_some_rows_are_read(tmp_path):
    ids = np.arange(96).reshape(96, 1) // 32 % 3 + np.zeros((1, 30), int)
    rgb = np.array(COLOURS, np.uint8)[ids]
    labels = Snap(NAMES, COLOURS, (8, 16)).read(rgb, tmp_path / "x.png")
    assert (labels == ids[::6]).all()
    assert Snap(NAMES, COLOURS, (60, 60)).read(rgb, tmp_path / "x.png").shape == (96, 30)
