"""The plan of a picture in tiles: what is kept whole, and how wide the halos are."""

import pytest
import torch
import torch.nn.functional as F

from semsynth.generators.tiles import Step, first_in_tiles, grid, halos, parts, stages, whole


def steps_to(side, count, width=1024, run=None):
    """Upsampling steps to `side` pixels, at half the channels each, with two 3x3 convolutions, and one more at last."""
    return [Step((side >> k, side >> k), 2, 3 if k == 0 else 2, width >> (count - k), run or (lambda x, box: x))
            for k in range(count - 1, -1, -1)]


def test_halos_shrink_with_the_maps():
    assert halos(steps_to(1024, 6)) == [4, 4, 4, 4, 4, 3]  # at full size 128 pixels in all, in one piece of a border


def test_a_larger_tile_keeps_less():
    steps = steps_to(1024, 6)
    assert [first_in_tiles(steps, (side, side)) for side in (64, 128, 256, 512, 1024)] == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("tile", [(64, 64), (200, 90), (1024, 1024)])
def test_boxes_cover_every_size_once(tile):
    for group, boxes in stages(steps_to(512, 4), tile):
        seen = torch.zeros(group[-1].size)
        for box in boxes:
            box.of(seen).add_(1)
        assert bool((seen == 1).all())
    assert max(max(box.size) for box in boxes) <= max(tile)


def test_tiles_before_the_last_sizes_take_no_more_memory():
    """In numbers of features."""
    steps = steps_to(2048, 6)
    for group, boxes in stages(steps, (256, 256)):
        for box in boxes:
            assert box.size[0] * box.size[1] * group[-1].width <= 1.1 * 256 * 256 * steps[-1].width


def test_parts_are_what_the_steps_make_of_the_whole():
    """Of averages over 3x3 pixels, where zeros lie beyond the border, twice in a step."""
    def run(x, box):
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        assert x.shape[-2:] == box.size
        return F.avg_pool2d(F.avg_pool2d(x, 3, 1, 1), 3, 1, 1)

    steps, x = [Step((32 << k, 48 << k), 2, 2, 1, run) for k in range(3)], torch.randn(2, 5, 16, 24)
    expected = x
    for _ in steps:
        expected = F.avg_pool2d(F.avg_pool2d(F.interpolate(expected, scale_factor=2.0), 3, 1, 1), 3, 1, 1)
    boxes = grid(steps[-1].size, (50, 70))
    torch.testing.assert_close(whole(parts(x, steps, boxes), boxes, steps[-1].size), expected)
