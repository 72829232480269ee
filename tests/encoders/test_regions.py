"""The encoder of styles by region: means over the pixels of each class, and the published size."""

import pytest
import torch
from torch.testing import assert_close

from semsynth.encoders.regions import RegionStyleEncoder
from semsynth.semantics import Semantics


def test_codes_are_means_over_the_classes():
    encoder = RegionStyleEncoder(codes=6, nef=2, init_gain=1.0)
    labels = torch.randint(0, 4, (2, 4, 4)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    image = torch.randn(2, 3, 32, 32)
    codes = encoder.encode(image, Semantics(labels, 5)).classes
    maps, small = encoder(image), labels[:, ::2, ::2]
    assert maps.shape == (2, 6, 16, 16)
    for n in range(2):
        for k in range(5):
            inside = maps[n][:, small[n] == k]
            expected = inside.mean(1) if inside.shape[1] else torch.zeros(6)
            assert_close(codes[n, k], expected)
    assert codes.abs().max() > 0.1


def test_a_region_that_falls_between_the_pixels_has_no_code():
    labels = torch.zeros(1, 32, 32, dtype=torch.int64)
    labels[0, 5, 5] = 1
    codes = RegionStyleEncoder(codes=6, nef=2).encode(torch.randn(1, 3, 32, 32), Semantics(labels, 2)).classes
    assert not codes[0, 1].any()


def test_soft_maps_weigh():
    encoder, image = RegionStyleEncoder(codes=6, nef=2, init_gain=1.0), torch.randn(1, 3, 16, 16)
    half = Semantics.from_probabilities(torch.full((1, 2, 16, 16), 0.5))
    codes = encoder.encode(image, half).classes
    assert_close(codes[0, 0], encoder(image).mean((0, 2, 3)))
    assert_close(codes[0, 0], codes[0, 1])


def test_published_size():
    """As in the released file (its `Zencoder`)."""
    with torch.device("meta"):
        encoder = RegionStyleEncoder()
    assert sum(p.numel() for p in encoder.parameters()) == 1_568_576
    assert {name: tuple(p.shape) for name, p in encoder.named_parameters() if name.endswith("weight")} == {
        "model.1.weight": (32, 3, 3, 3), "model.4.weight": (64, 32, 3, 3), "model.7.weight": (128, 64, 3, 3),
        "model.10.weight": (128, 256, 3, 3), "model.14.weight": (512, 256, 3, 3)}


def test_what_it_needs():
    encoder = RegionStyleEncoder(codes=6, nef=2)
    with pytest.raises(ValueError, match="needs the label map"):
        encoder.encode(torch.randn(1, 3, 16, 16))
    with pytest.raises(ValueError, match=r"\(16, 16\), its label map of \(8, 8\)"):
        encoder.encode(torch.randn(1, 3, 16, 16), Semantics(torch.zeros(1, 8, 8, dtype=torch.int64), 2))
