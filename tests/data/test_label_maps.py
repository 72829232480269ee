"""Label maps from elsewhere: of a folder, or of a data set with other classes."""

from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from semsynth.data.label_maps import LabelMaps, OtherLabels
from semsynth.data.paired import PairedDataset
from semsynth.data.scenes.dataset import Scenes
from semsynth.errors import DataError
from semsynth.semantics.icpe import Offsets, at_size


def test_classes_are_matched_by_name():
    ours = ["x", *"lkjihgfedcb"]
    other = OtherLabels(Scenes(2, 16), theirs=[*"abcdefghijkl"], ours=ours, unknown=0, names={"b": "b"})
    labels = Scenes(2, 16)[1]["labels"]
    expected = torch.where(labels == 0, 0, 12 - labels)  # a has no partner
    assert torch.equal(other.label_map(1)["labels"], expected)
    with pytest.raises(DataError, match=r"a is no class of this data set.*label_names\.a="):
        OtherLabels(Scenes(2, 16), theirs=["a"], ours=["b"])
    with pytest.raises(DataError, match="'q' is no class of this data set"):
        OtherLabels(Scenes(2, 16), theirs=["a"], ours=["b"], names={"a": "q"})


@pytest.mark.parametrize("settings", [{}, {"components": "largest"}, {"skip_label": 0}, {"published": True}])
def test_offsets_are_those_of_the_merged_classes(files, settings):
    """Two classes of theirs that are one of ours are one region, in whatever way offsets are made."""
    for number in range(6):
        labels = np.kron([[0, 1, 2], [3, number % 4, 2]], np.ones((10, 10), int)).astype(np.uint8)
        Image.fromarray(labels).save(files / "labels" / f"{number}.png")
    offsets = Offsets(enabled=True, **settings)
    build = partial(PairedDataset, LabelMaps(files / "labels"), num_classes=4, size=(20, 20), preprocess="fixed",
                    flip=False)
    other = OtherLabels(build, theirs=["a", "b", "c", "d"], ours=["x", "y"], names={"a": "x", "b": "y", "c": "y",
                                                                                    "d": "x"}, offsets=offsets)
    for index in range(6):
        sample = other.label_map(index)
        original = np.array([0, 1, 1, 0])[build().read_labels(index)]
        expected = at_size(offsets, original, sample["labels"].numpy())
        np.testing.assert_array_equal(sample["offsets"], expected)
    assert "offsets" not in OtherLabels(build, theirs=["a", "b", "c", "d"], ours=["a", "b", "c", "d"]).label_map(0)


def test_a_folder_of_label_maps(files):
    folder = files / "labels"
    dataset = PairedDataset(LabelMaps(folder), num_classes=6, size=(16, 16), flip=False)
    assert [int(dataset.label_map(i)["labels"][0, 0]) for i in range(6)] == list(range(6))
    (folder / "classes.yaml").write_text("classes: [{name: sea, id: 5}, {name: sky, id: 0}, {name: p, id: 1}, "
                                         "{name: q, id: 2}, {name: r, id: 3}, {name: s, id: 4}]\n")
    named = PairedDataset(LabelMaps(folder), num_classes=6, size=(16, 16), flip=False)
    assert [int(named.label_map(i)["labels"][0, 0]) for i in range(6)] == [1, 2, 3, 4, 5, 0]
    with pytest.raises(DataError, match="no label maps"):
        LabelMaps(_empty(files)).find(False)
    with pytest.raises(DataError, match=r"dataset\.instances=false"):
        LabelMaps(folder).find(True)


def _empty(root):
    (root / "empty").mkdir()
    return root / "empty"
