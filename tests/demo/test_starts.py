"""Maps of a data set to begin with, and their photographs."""

import io

import numpy as np
import pytest
from PIL import Image

from semsynth.data.scenes.dataset import Scenes
from semsynth.demo.starts import Starts
from semsynth.pictures.grid import to_uint8


class Plain:
    """A data set that has whole samples only."""

    def __init__(self):
        self.scenes = Scenes(3, 32, "val")

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return self.scenes[index]


@pytest.mark.parametrize("samples", [Scenes(3, 32, "val"), Plain()], ids=["sides", "whole samples"])
def test_maps_and_their_photographs(samples):
    starts = Starts(samples, (32, 32), 2)
    assert len(starts) == 2
    sample = samples[1]
    name, labels = starts.map(1)
    assert name == sample["name"]
    assert labels.dtype == np.uint8
    assert np.array_equal(labels, sample["labels"].numpy())
    photograph = np.asarray(Image.open(io.BytesIO(starts.photograph(1))))
    assert np.array_equal(photograph, to_uint8(sample["image"].numpy()))


def test_maps_are_brought_to_the_size():
    assert Starts(Scenes(1, 32, "val"), (64, 32), 2).map(0)[1].shape == (64, 32)


def test_without_a_data_set():
    assert len(Starts(None, (32, 32), 9)) == 0
