import numpy as np
import pytest

from semsynth.data.scenes.canvas import FIELDS, Canvas


def drawn(height, width, shape):
    canvas = Canvas(height, width)
    canvas.surface((0, 0, 0))
    canvas.begin(5, 7, 0.25)
    shape(canvas, canvas.surface((1, 0.5, 0)))
    return canvas


def test_surfaces_carry_the_facts_of_their_object():
    canvas = drawn(8, 8, lambda c, s: c.rectangle(0, 0, 1, 1, s))
    row = dict(zip(FIELDS, canvas.table[1], strict=True))
    assert (row["red"], row["green"], row["blue"]) == (1, 0.5, 0)
    assert (row["label"], row["instance"], row["depth"]) == (5, 7, 0.25)


def test_rectangle_covers_its_pixels_and_clips():
    canvas = drawn(10, 20, lambda c, s: c.rectangle(0.5, -3, 1.0, 0.2, s))
    expected = np.zeros((10, 20), dtype=np.uint16)
    expected[:2, 5:10] = 1
    assert np.array_equal(canvas.surfaces, expected)


@pytest.mark.parametrize("size", [50, 200])
def test_ellipse_has_its_centre_and_area(size):
    canvas = drawn(size, size, lambda c, s: c.ellipse(0.5, 0.4, 0.3, 0.2, s))
    rows, columns = np.nonzero(canvas.surfaces)
    assert (rows.mean() + 0.5) / size == pytest.approx(0.4, abs=0.01)
    assert (columns.mean() + 0.5) / size == pytest.approx(0.5, abs=0.01)
    assert rows.size / size**2 == pytest.approx(np.pi * 0.06, rel=0.08)


def test_polygon_is_centred_at_any_size():
    for size in (32, 256):
        canvas = drawn(size, size, lambda c, s: c.polygon([(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)], s))
        rows, columns = np.nonzero(canvas.surfaces)
        assert (rows.mean() + 0.5) / size == pytest.approx(0.5, abs=0.5 / size)
        assert (columns.mean() + 0.5) / size == pytest.approx(0.5, abs=0.5 / size)
