import pytest
import torch
from torch.testing import assert_close

from semsynth.discriminators.patchgan import MultiscaleDiscriminator
from semsynth.semantics import Semantics


@pytest.mark.parametrize(("classes", "edges", "published"), [(151, False, 5.84), (183, True, 5.90), (35, True, 5.60)])
def test_published_parameter_counts(classes, edges, published):
    network = MultiscaleDiscriminator(classes, edges=edges)
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(published, abs=0.006)


def test_published_feature_sizes():
    network = MultiscaleDiscriminator(3, ndf=4)
    maps = network(Semantics(torch.zeros(1, 256, 256).long(), 3), torch.zeros(1, 3, 256, 256))
    assert [m.shape[-1] for m in maps[0]] == [129, 65, 33, 34, 35]
    assert [m.shape[1] for m in maps[0]] == [4, 8, 16, 32, 1]
    assert len(maps) == 2


def test_fake_and_real_in_one_batch_equal_two_passes():
    network = MultiscaleDiscriminator(3, edges=True, ndf=4).eval()
    semantics = Semantics(torch.randint(0, 3, (2, 64, 64)), 3, torch.rand(2, 1, 64, 64).round())
    fake, real = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    both = network(semantics, torch.cat([fake, real]))
    for scale, fakes, reals in zip(both, network(semantics, fake), network(semantics, real), strict=True):
        for joint, a, b in zip(scale, fakes, reals, strict=True):
            assert_close(joint, torch.cat([a, b]), rtol=1e-4, atol=1e-5)
