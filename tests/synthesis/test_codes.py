"""Codes of styles in files."""

import numpy as np
import pytest
import torch

from semsynth.errors import DataError, StyleError
from semsynth.semantics import Semantics
from semsynth.style import Style
from semsynth.synthesis.codes import load_codes, save_codes
from semsynth.synthesis.references import Reference

NAMES = ["sky", "road", "car"]
LABELS = torch.tensor([[[0, 0, 1, 1], [2, 2, 1, 2]]])
INSTANCES = torch.tensor([[[0, 0, 1, 1], [5, 5, 1, 6]]])


def test_codes_come_back(tmp_path):
    regions = Semantics(LABELS, 3, instances=INSTANCES).regions()
    style = Style(vector=torch.randn(1, 5), instances=torch.randn(1, 4, 6), noise=torch.randn(1, 2, 8, 8))
    path = save_codes(tmp_path / "codes.npz", Reference(style, regions), NAMES)
    found = load_codes(path, NAMES)
    assert found.style.codes().keys() == {"vector", "instances"}  # noise is drawn again
    assert found.style.vector.equal(style.vector)
    assert found.style.instances.equal(style.instances)
    assert found.regions.classes.equal(regions.classes)
    assert found.regions.sizes.equal(regions.sizes)
    assert found.name == str(path)
    alone = Style(noise=torch.randn(2, 2, 8, 8))
    assert load_codes(save_codes(path, Reference(alone), NAMES), NAMES).style.noise.equal(alone.noise)


def write(path, **changes):
    arrays = {"classes": np.zeros((1, 3, 4), np.float32), "class_names": np.array(NAMES)} | changes
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


@pytest.mark.parametrize(("changes", "error", "words"), [
    ({"classes": np.array([[["a"]]], dtype=object)}, DataError, r"codes\.npz cannot be read as a file of codes"),
    ({"classes": np.zeros((1, 3, 4), np.int64)}, DataError, r"classes is int64 of 3 dimensions, not 3"),
    ({"classes": np.zeros((3, 4), np.float32)}, DataError, r"classes is float32 of 2 dimensions"),
    ({"classes": np.full((1, 3, 4), np.nan, np.float32)}, DataError, r"classes holds NaN or infinite"),
    ({"classes": None}, DataError, r"codes\.npz: a style holds one code or more"),
    ({"class_names": None}, DataError, r"holds no class_names"),
    ({"weights": np.zeros(3)}, DataError, r"holds weights: it is no file of codes"),
    ({"class_names": np.array(["sky", "road", "tree"])}, StyleError, r"other classes \(tree.*make codes with this run"),
    ({"region_classes": np.array([[7]]), "region_sizes": np.array([[1]])}, DataError, "do not belong to the codes"),
    ({"vector": np.zeros((2, 4), np.float32)}, DataError, "for as many pictures each"),
])
def test_other_files_are_refused(changes, error, words, tmp_path):
    with pytest.raises(error, match=words):
        load_codes(write(tmp_path / "codes.npz", **changes), NAMES)


def test_broken_files_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.npz: no such file"):
        load_codes(tmp_path / "nowhere.npz", NAMES)
    path = write(tmp_path / "codes.npz")
    content = path.read_bytes()
    for damaged in (b"", content[:100], content[:60] + b"\xff" * 40 + content[100:]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"codes\.npz cannot be read"):
            load_codes(path, NAMES)
    with pytest.raises(StyleError, match=r"NAME\.npz"):
        save_codes(tmp_path / "codes.pt", Reference(Style(vector=torch.zeros(1, 2))), NAMES)
