import numpy as np
import pytest
from scipy import ndimage

from semsynth.semantics.components import label_components
from semsynth.semantics.icpe import MergedOffsets, Offsets, at_size, icpe_offsets, resize_floor


def regions(labels):
    """Masks of the 8-connected components, one class after the other."""
    for label in np.unique(labels):
        index, count = ndimage.label(labels == label, structure=np.ones((3, 3)))
        for region in range(1, count + 1):
            yield label, index == region


def measured(mask, over):
    """Offsets from the centre of `over` at the pixels of `mask`, by the largest of `over`, from the formula."""
    rows, columns = np.nonzero(over)
    at = np.nonzero(mask)
    result = []
    for axis, positions in enumerate((rows, columns)):
        centre = positions.mean()
        result.append((at[axis] - centre) / (np.abs(positions - centre).max() + 1e-5))
    return np.stack(result)


def naive(labels):
    offsets = np.zeros((2, *labels.shape))
    for _, mask in regions(labels):
        offsets[:, mask] = measured(mask, mask)
    return offsets


def naive_largest(labels):
    offsets = np.zeros((2, *labels.shape))
    largest = {}
    for label, mask in regions(labels):
        if label not in largest or mask.sum() > largest[label].sum():
            largest[label] = mask
    for label, over in largest.items():
        mask = labels == label
        offsets[:, mask] = np.clip(measured(mask, over), -1, 1)
    return offsets


def spiral(size):
    """A winding path of label 1, one pixel wide, and between its turns one of label 0."""
    labels = np.zeros((size, size), np.uint8)
    row, column, down, right = 0, 0, 0, 1
    for turn in range(size - 1):
        for _ in range(size - 1 - 2 * (max(turn - 1, 0) // 2)):
            labels[row, column] = 1
            row, column = row + down, column + right
        down, right = right, -down
    return labels


def maps():
    rng = np.random.default_rng(0)
    yield "noise of 2 classes", rng.integers(0, 2, (23, 31))
    yield "noise of 9 classes", rng.integers(0, 9, (40, 17)).astype(np.uint8)
    yield "large ids", rng.integers(0, 3, (20, 20)).astype(np.int32) * 33001
    yield "blocks", np.kron(rng.integers(0, 5, (6, 7)), np.ones((5, 4), int))
    yield "noise of 2000 ids", rng.integers(-1000, 1000, (21, 33)).astype(np.int16)
    yield "stripes across", np.broadcast_to(np.arange(20, dtype=np.uint16)[:, None] % 3, (20, 13))
    yield "stripes down", np.broadcast_to(np.arange(19) % 2, (14, 19))
    yield "checkerboard", np.indices((13, 16)).sum(0) % 2
    yield "coarse checkerboard", np.kron(np.indices((5, 4)).sum(0) % 2, np.ones((3, 4), int))
    yield "spiral", spiral(17)
    yield "spiral on its side", spiral(14).T
    yield "comb", (np.indices((12, 15))[1] % 2 * (np.indices((12, 15))[0] < 11)).astype(bool)
    yield "equal over the ends of rows", (np.arange(20).reshape(4, 5) + 1) // 2
    yield "diagonal", np.eye(9, dtype=np.uint8) + np.eye(9, dtype=np.uint8)[::-1]
    yield "one class", np.zeros((7, 11), np.uint8)
    yield "one row", rng.integers(0, 3, (1, 30))
    yield "one column", rng.integers(0, 3, (30, 1))
    yield "one pixel", np.array([[4]])


@pytest.mark.parametrize("labels", [pytest.param(labels, id=name) for name, labels in maps()])
class TestAgainstLoops:
    def test_every_component(self, labels):
        np.testing.assert_allclose(icpe_offsets(labels), naive(labels), atol=1e-6)

    def test_largest_component(self, labels):
        areas = {}
        for label, mask in regions(labels):
            areas.setdefault(label, []).append(mask.sum())
        ambiguous = [label for label, sizes in areas.items() if sizes.count(max(sizes)) > 1]
        sure = ~np.isin(labels, ambiguous)  # which of two equally large components counts is not defined
        found, wanted = icpe_offsets(labels, components="largest"), naive_largest(labels)
        np.testing.assert_allclose(found[:, sure], wanted[:, sure], atol=1e-6)

    def test_components(self, labels):
        check_components(labels)


def check_components(labels):
    parts = label_components(labels)
    wanted = list(regions(labels))
    assert len(parts.area) == len(wanted)
    for label, mask in wanted:
        number = parts.index[mask][0]
        np.testing.assert_array_equal(parts.index == number, mask)
        positions = np.stack(np.nonzero(mask))
        centre = positions.mean(1)
        assert (parts.label[number], parts.area[number]) == (label, mask.sum())
        np.testing.assert_allclose(parts.centre[:, number], centre, atol=1e-9)
        np.testing.assert_allclose(parts.reach[:, number], np.abs(positions - centre[:, None]).max(1), atol=1e-9)


@pytest.mark.parametrize("dtype", "?bhilqBHILQ")
def test_random_maps_of_every_type_and_layout(dtype):
    rng = np.random.default_rng(ord(dtype))
    for _ in range(12):
        labels = rng.integers(0, rng.integers(1, 6), rng.integers(1, 14, 2))
        labels = np.kron(labels, np.ones(rng.integers(1, 4, 2), int)).astype(dtype)
        for view in (labels, labels.T, labels[::-1, ::2]):
            check_components(view)
            np.testing.assert_allclose(icpe_offsets(view), naive(view), atol=1e-6)


def test_wide_maps_are_exact_to_the_pixel():
    labels = np.zeros((3, 4000), np.uint8)
    labels[1, 1000:3001] = 1
    offsets = icpe_offsets(labels)
    np.testing.assert_allclose(offsets, naive(labels), atol=1e-6)
    assert (offsets[:, 1, 2000] == 0).all()


def test_the_ids_at_the_ends_of_a_type():
    for dtype in (np.int64, np.uint64):
        ends = np.iinfo(dtype)
        labels = np.array([[ends.min, ends.max], [ends.max, ends.max - 1]], dtype)
        assert label_components(labels).index.tolist() == [[0, 1], [1, 2]]


def test_channels_and_signs():
    offsets = icpe_offsets(np.zeros((3, 5), np.uint8))
    assert offsets.dtype == np.float32
    np.testing.assert_allclose(offsets[0, :, 0], [-1, 0, 1], atol=1e-4)  # down is positive
    np.testing.assert_allclose(offsets[1, 0], [-1, -0.5, 0, 0.5, 1], atol=1e-4)  # right is positive


def test_flip_negates_the_horizontal_channel_only():
    labels = np.random.default_rng(1).integers(0, 4, (16, 24))
    flipped, straight = icpe_offsets(labels[:, ::-1]), icpe_offsets(labels)
    np.testing.assert_allclose(flipped[0], straight[0, :, ::-1], atol=1e-6)
    np.testing.assert_allclose(flipped[1], -straight[1, :, ::-1], atol=1e-6)


def test_skip_label_and_published():
    labels = np.random.default_rng(2).integers(0, 3, (16, 24))
    skipped = icpe_offsets(labels, skip_label=0)
    assert (skipped[:, labels == 0] == 0).all()
    np.testing.assert_array_equal(skipped[:, labels != 0], icpe_offsets(labels)[:, labels != 0])
    np.testing.assert_array_equal(icpe_offsets(labels, skip_label=7), icpe_offsets(labels))
    largest = icpe_offsets(labels, components="largest", skip_label=1)
    np.testing.assert_array_equal(largest, np.where(labels == 1, 0, icpe_offsets(labels, components="largest")))
    published = Offsets(enabled=True, components="largest", skip_label=None, published=True)
    np.testing.assert_array_equal(published(labels), skipped)


@pytest.mark.parametrize("size", [(7, 11), (24, 32), (50, 41), (16, 24)])
def test_published_offsets_are_resized_by_the_floor(size):
    offsets = icpe_offsets(np.random.default_rng(3).integers(0, 4, (16, 24)))
    rows, columns = (np.floor(np.arange(new, dtype=np.float32) * np.float32(old / new)).astype(int)
                     for new, old in zip(size, (16, 24), strict=True))
    np.testing.assert_array_equal(resize_floor(offsets, size), offsets[:, rows][:, :, columns])


def test_published_offsets_are_of_the_original_size():
    labels = np.kron(np.random.default_rng(4).integers(0, 4, (5, 7)), np.ones((8, 8), int))
    small = labels[::4, ::4]
    np.testing.assert_array_equal(at_size(Offsets(published=True), labels, small),
                                  icpe_offsets(labels, skip_label=0)[:, ::4, ::4])
    np.testing.assert_array_equal(at_size(Offsets(), labels, small), icpe_offsets(small))


@pytest.mark.parametrize("settings", [{}, {"components": "largest"}, {"skip_label": 1}, {"published": True}])
def test_offsets_of_merged_classes(settings):
    labels = np.random.default_rng(5).integers(0, 4, (16, 24))
    offsets, table = Offsets(enabled=True, **settings), np.array([1, 0, 1, 2])
    merged = MergedOffsets(offsets, table)
    assert (merged.enabled, merged.published) == (True, offsets.published)
    np.testing.assert_array_equal(at_size(merged, labels, labels[::2, ::2]),
                                  at_size(offsets, table[labels], table[labels][::2, ::2]))


def test_errors():
    with pytest.raises(ValueError, match="'every' or 'largest'"):
        icpe_offsets(np.zeros((2, 2), int), components="all")
    with pytest.raises(ValueError, match=r"\(H,W\)"):
        icpe_offsets(np.zeros((1, 2, 2), int))
    with pytest.raises(ValueError, match="at least one pixel"):
        label_components(np.zeros((0, 2), int))
    with pytest.raises(ValueError, match="true or false"):
        Offsets(enabled="auto")
