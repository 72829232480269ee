import pytest
import torch

from semsynth.discriminators.fpse import FPSEDiscriminator
from semsynth.losses.feature_matching import FeatureMatching
from semsynth.losses.inputs import LossInputs
from semsynth.losses.mean_feature_matching import MeanFeatureMatching
from semsynth.semantics import Semantics


def inputs():
    network, maps = FPSEDiscriminator(3, ndf=4), Semantics(torch.zeros(1, 64, 64).long(), 3)
    fake, real = torch.rand(1, 3, 64, 64, requires_grad=True), torch.rand(1, 3, 64, 64, requires_grad=True)
    return LossInputs(maps, real, fake, network(maps, fake), network(maps, real))


def test_published_weight_is_20_over_4_of_the_sum():
    seen, term = inputs(), MeanFeatureMatching()
    levels = zip(seen.fake_maps[0][:4], seen.real_maps[0][:4], strict=True)
    expected = 20 / 4 * sum((fake - real).abs().mean() for fake, real in levels)
    assert (term.weight * term(seen)).item() == pytest.approx(expected.item(), rel=1e-5)
    assert term(seen).item() == pytest.approx(FeatureMatching()(seen).item() * 3 / 4, rel=1e-5)


def test_no_gradient_reaches_what_is_real():
    seen = inputs()
    MeanFeatureMatching()(seen).backward()
    assert seen.fake.grad.abs().sum() > 0
    assert seen.real.grad is None
