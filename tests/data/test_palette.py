import pytest

from semsynth.data.palette import generated_palette


def test_distinct_repeatable_and_in_range():
    palette = generated_palette(184, unknown=183)
    assert palette == generated_palette(184, unknown=183)
    assert len({tuple(colour) for colour in palette}) == 184
    assert palette[183] == [0, 0, 0]
    assert all(0 <= part <= 255 for colour in palette for part in colour)
    assert generated_palette(20) == generated_palette(184)[:20]


def test_no_classes():
    with pytest.raises(ValueError, match="count"):
        generated_palette(0)


def test_thousands_of_colours_differ():
    assert len({tuple(colour) for colour in generated_palette(20_000)}) == 20_000
