import pytest
import torch
from torch.testing import assert_close

from semsynth.encoders.instance_features import InstanceFeatureEncoder
from semsynth.interfaces import StyleEncoder
from semsynth.semantics import Semantics


def test_published_parameters():
    encoder = InstanceFeatureEncoder()
    assert isinstance(encoder, StyleEncoder)
    assert sum(p.numel() for p in encoder.parameters()) == 788_803
    assert len(encoder.state_dict()) == 20


def test_features_are_averages_over_instances():
    torch.manual_seed(0)
    encoder, image = InstanceFeatureEncoder(nef=2), torch.randn(1, 3, 32, 32)
    labels = torch.arange(32).expand(1, 32, 32) // 16
    ids = torch.zeros(1, 32, 32, dtype=torch.int64)
    ids[:, :8] = 7
    codes = encoder.encode(image, Semantics(labels, 2, instances=ids)).instances
    maps = encoder(image)[0]
    assert_close(codes[0], torch.stack([maps[:, 8:, :16].mean((1, 2)), maps[:, :8, :16].mean((1, 2)),
                                        maps[:, 8:, 16:].mean((1, 2)), maps[:, :8, 16:].mean((1, 2))]))
    assert encoder.encode(image, Semantics(labels, 2)).instances.shape == (1, 2, 3)


def test_it_needs_the_label_map_of_the_picture():
    encoder, semantics = InstanceFeatureEncoder(nef=2), Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2)
    with pytest.raises(ValueError, match="needs the label map of the picture"):
        encoder.encode(torch.zeros(1, 3, 16, 16))
    with pytest.raises(ValueError, match=r"picture is of \(32, 32\), its label map of \(16, 16\)"):
        encoder.encode(torch.zeros(1, 3, 32, 32), semantics)
