import numpy as np
import pytest
from scipy import ndimage

from semsynth.data.components import label_components
from semsynth.data.icpe import Offsets, icpe_offsets


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


def maps():
    rng = np.random.default_rng(0)
    yield "noise of 2 classes", rng.integers(0, 2, (23, 31))
    yield "noise of 9 classes", rng.integers(0, 9, (40, 17)).astype(np.uint8)
    yield "large ids", rng.integers(0, 3, (20, 20)).astype(np.int32) * 33001
    yield "blocks", np.kron(rng.integers(0, 5, (6, 7)), np.ones((5, 4), int))
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
        parts = label_components(labels)
        wanted = sorted(mask.sum() for _, mask in regions(labels))
        assert sorted(parts.area.tolist()) == wanted
        assert (labels.ravel()[np.unique(parts.index, return_index=True)[1]][parts.index] == labels).all()


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
    published = Offsets(enabled=True, components="largest", skip_label=None, published=True)
    np.testing.assert_array_equal(published(labels), skipped)


def test_errors():
    with pytest.raises(ValueError, match="'every' or 'largest'"):
        icpe_offsets(np.zeros((2, 2), int), components="all")
    with pytest.raises(ValueError, match=r"\(H,W\)"):
        icpe_offsets(np.zeros((1, 2, 2), int))
    with pytest.raises(ValueError, match="true or false"):
        Offsets(enabled="auto")
