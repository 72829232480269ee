import hashlib
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from semsynth.data.scenes import CLASSES, Scenes

DIGEST = """
import hashlib
from semsynth.data.scenes import Scenes
samples = [Scenes(4, 48, seed=3, instances=True)[i] for i in range(4)]
parts = b"".join(s[k].numpy().tobytes() for s in samples for k in ("image", "labels", "instances"))
print(hashlib.sha256(parts).hexdigest())
"""


def test_sample_has_the_promised_shapes_types_and_ranges():
    sample = Scenes(
        4, (48, 80), "val", instances=True, offsets=lambda labels: np.zeros((2, *labels.shape), np.float32)
    )[2]
    assert set(sample) == {"image", "labels", "instances", "offsets", "name", "style"}
    assert sample["image"].shape == (3, 48, 80)
    assert sample["image"].dtype == torch.float32
    assert -1 <= sample["image"].min() < sample["image"].max() <= 1
    assert sample["labels"].shape == sample["instances"].shape == (48, 80)
    assert sample["labels"].dtype == sample["instances"].dtype == torch.int64
    assert 0 <= sample["labels"].min() <= sample["labels"].max() < len(CLASSES)
    assert sample["offsets"].shape == (2, 48, 80)
    assert sample["style"].shape == (3,)
    assert sample["style"].dtype == torch.float32
    assert sample["name"] == "val_000002"


def test_optional_parts_are_left_out():
    assert set(Scenes(1, 32)[0]) == {"image", "labels", "name", "style"}


def test_disabled_offsets_count_as_none():
    from semsynth.semantics.icpe import Offsets

    assert "offsets" not in Scenes(1, 32, offsets=Offsets(enabled=False))[0]
    offsets = Scenes(1, 32, offsets=Offsets(enabled=True))[0]["offsets"]
    assert offsets.shape == (2, 32, 32)
    assert offsets.abs().max() <= 1


def test_two_processes_draw_the_same():
    samples = [Scenes(4, 48, seed=3, instances=True)[i] for i in range(4)]
    parts = b"".join(s[k].numpy().tobytes() for s in samples for k in ("image", "labels", "instances"))
    other = subprocess.run([sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == hashlib.sha256(parts).hexdigest()


def test_order_of_access_does_not_matter():
    forwards, backwards = Scenes(6, 32), Scenes(6, 32)
    there = [forwards[i]["image"] for i in range(6)]
    back = [backwards[i]["image"] for i in reversed(range(6))]
    assert all(torch.equal(a, b) for a, b in zip(there, reversed(back), strict=True))


def test_splits_seeds_and_epochs_are_disjoint():
    def styles(dataset):
        return {tuple(dataset[i]["style"].tolist()) for i in range(len(dataset))}

    again = Scenes(20, 16)
    again.set_epoch(1)
    sets = [styles(d) for d in (Scenes(20, 16), Scenes(20, 16, "val"), Scenes(20, 16, seed=1), again)]
    assert len(set().union(*sets)) == 80


def test_epochs_change_fresh_training_scenes_only():
    for split, fresh, changes in (("train", True, True), ("train", False, False), ("val", True, False)):
        dataset = Scenes(3, 32, split, fresh=fresh)
        before = dataset[1]
        dataset.set_epoch(5)
        after = dataset[1]
        assert torch.equal(before["image"], after["image"]) != changes
        assert (before["name"] == after["name"]) != changes


def test_name_counts_scenes_through_the_epochs():
    dataset = Scenes(10, 16)
    dataset.set_epoch(2)
    assert dataset[3]["name"] == "train_000023"


def test_epoch_reaches_running_workers():
    dataset = Scenes(4, 16)
    loader = DataLoader(dataset, batch_size=4, num_workers=1, persistent_workers=True)
    assert next(iter(loader))["name"][0] == "train_000000"
    dataset.set_epoch(2)
    assert next(iter(loader))["name"][0] == "train_000008"


def test_flip_mirrors_half_of_the_samples_jointly():
    plain, flipped = Scenes(40, 32, instances=True), Scenes(40, 32, instances=True, flip=True)
    mirrored = 0
    for a, b in ((plain[i], flipped[i]) for i in range(40)):
        if torch.equal(a["image"], b["image"]):
            assert torch.equal(a["labels"], b["labels"])
            continue
        mirrored += 1
        assert all(torch.equal(a[key].flip(-1), b[key]) for key in ("image", "labels", "instances"))
    assert 10 < mirrored < 30


def test_index_out_of_range_ends_iteration():
    dataset = Scenes(2, 16)
    assert torch.equal(dataset[-1]["image"], dataset[1]["image"])
    with pytest.raises(IndexError, match="out of range"):
        dataset[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"length": 0}, "length must be >= 1, got 0"),
        ({"length": 1, "size": 8}, "at least 16"),
        ({"length": 1, "size": (32, 32, 3)}, r"\[height, width\]"),
        ({"length": 1, "split": "test"}, "split must be one of train, val, got 'test'"),
        ({"length": 1, "seed": -1}, "seed must be >= 0"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Scenes(**arguments)
