import numpy as np
import pytest
import torch

from semsynth.complexity.maps import batch_of_maps, distinct_patches, label_map, semantics_of


def test_regions_repeat_as_in_photographs():
    """COCO-Stuff: 0.06 of the 5x5 patches are distinct at 256x256, 0.15 at 128x128, 0.30 at 64x64, 0.54 at 32x32."""
    shares = {1: [], 2: [], 4: [], 8: []}
    for seed in range(4):
        labels = torch.from_numpy(label_map("regions", (256, 256), 151, np.random.default_rng(seed))[0])
        for step, found in shares.items():
            found.append(distinct_patches(labels[::step, ::step]))
    for step, low, high in ((1, 0.03, 0.1), (2, 0.1, 0.25), (4, 0.25, 0.6), (8, 0.45, 0.9)):
        assert low < np.mean(shares[step]) < high


def test_random_maps_are_the_worst_case():
    labels = label_map("random", (64, 64), 50, np.random.default_rng(0))[0]
    assert distinct_patches(torch.from_numpy(labels)) > 0.99
    assert distinct_patches(torch.zeros(64, 64, dtype=torch.long)) == 25 / 64 ** 2


@pytest.mark.parametrize("kind", ["regions", "random"])
@pytest.mark.parametrize("classes", [1, 5, 151])
def test_batches_are_what_loaders_give(kind, classes):
    batch = batch_of_maps(kind, 2, (32, 64), classes, instances=True, offsets=lambda m: np.zeros((2, *m.shape), "f"))
    assert batch["image"].shape == (2, 3, 32, 64)
    assert batch["labels"].shape == batch["instances"].shape == (2, 32, 64)
    assert 0 <= batch["labels"].min() <= batch["labels"].max() < classes
    semantics = semantics_of(batch, classes)
    assert semantics.edges.shape == (2, 1, 32, 64)
    assert semantics.offsets.shape == (2, 2, 32, 64)
    again = batch_of_maps(kind, 2, (32, 64), classes, instances=False, offsets=None)
    assert torch.equal(again["labels"], batch["labels"])
    assert set(again) == {"image", "labels"}


def test_an_unknown_kind():
    with pytest.raises(ValueError, match="labels=stripes must be regions or random"):
        label_map("stripes", (8, 8), 2, np.random.default_rng(0))
