import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from semsynth.complexity.weights import random_vgg
from semsynth.errors import WeightsError
from semsynth.losses.inputs import LossInputs, RegressionLossInputs
from semsynth.losses.perceptual_regression import DiversePerceptualRegression, PerceptualRegression
from semsynth.semantics import Semantics

WEIGHTS = [1.0, 1 / 1.6, 1 / 2.3, 1 / 1.8, 1 / 2.8, 10 / 0.8]


@pytest.fixture(scope="module")
def vgg(tmp_path_factory):
    return str(random_vgg(tmp_path_factory.mktemp("weights") / "vgg19.pth"))


def inputs(pictures=3, classes=4):
    torch.manual_seed(0)
    semantics = Semantics(torch.randint(classes, (2, 4, 4)).repeat_interleave(8, 1).repeat_interleave(8, 2), classes)
    made = torch.rand(2, pictures, 3, 32, 32) * 2 - 1
    return RegressionLossInputs(semantics, torch.rand(2, 3, 32, 32) * 2 - 1, made[:, 0], [], [], pictures=made)


def test_the_network_and_its_taps(vgg):
    term = PerceptualRegression(vgg, layer_weights=WEIGHTS)
    assert not list(term.parameters())
    assert set(term.state_dict()) == {"total", "seen"}
    maps = term.features(inputs().real)
    assert [m.shape[1] for m in maps] == [3, 64, 128, 256, 512, 512]
    assert [m.shape[2] for m in maps] == [32, 32, 16, 8, 4, 2]
    assert_close(maps[0], (inputs().real + 1) * 127.5 - torch.tensor([123.68, 116.779, 103.939]).view(3, 1, 1))
    assert not [m for m in term.network.modules() if isinstance(m, nn.MaxPool2d)]


def test_the_simple_form(vgg):
    term, seen = PerceptualRegression(vgg, layer_weights=WEIGHTS), inputs()
    fake, real = term.features(seen.fake), term.features(seen.real)
    assert_close(term(seen), sum(w * F.l1_loss(a, b) for w, a, b in zip(WEIGHTS, fake, real, strict=True)))


def test_measured_weights_make_the_terms_alike(vgg):
    """After the warm-up they stay, also in the state that is saved."""
    term, seen = PerceptualRegression(vgg, warmup=2), inputs()
    assert term(seen).item() == pytest.approx(15.0, rel=1e-5)
    half = LossInputs(seen.semantics, seen.real, (seen.fake + seen.real) / 2, [], [])
    term(half)
    assert term.seen == 2
    before = term(seen)
    assert term.seen == 2
    other = PerceptualRegression(vgg, warmup=2)
    other.load_state_dict(term.state_dict())
    assert_close(other(seen), before)
    assert_close(term.eval()(seen), before)


def naive(term, seen):
    """A class, a picture and a map at a time."""
    total, real = 0.0, term.features(seen.real)
    for n in range(2):
        costs = torch.zeros(seen.pictures.shape[1], seen.semantics.num_classes)
        for u in range(len(costs)):
            fake = term.features(seen.pictures[n, u][None])
            for c in range(costs.shape[1]):
                mask = (seen.semantics.labels[n] == c).float()[None, None]
                for w, a, b in zip(WEIGHTS, fake, real, strict=True):
                    m = F.adaptive_avg_pool2d(mask, a.shape[2:])[0, 0]
                    costs[u, c] += w * (m * (a[0] - b[n]).abs().mean(0)).mean()
        total += (0.999 * costs.min(0)[0] + 0.001 * costs.mean(0)).sum() / 2
    return total


def test_the_diverse_form(vgg):
    term, seen = DiversePerceptualRegression(vgg, layer_weights=WEIGHTS), inputs()
    assert_close(term(seen), naive(term, seen), rtol=1e-4, atol=1e-3)


def test_of_one_picture_it_is_the_simple_form(vgg):
    seen = inputs(pictures=1)
    assert_close(DiversePerceptualRegression(vgg, layer_weights=WEIGHTS)(seen),
                 PerceptualRegression(vgg, layer_weights=WEIGHTS)(seen), rtol=1e-4, atol=1e-3)


def test_each_class_is_free_to_choose_its_picture():
    """Where pictures are right in other classes each, nothing but their mean's small share is left (pixels alone)."""
    term = object.__new__(DiversePerceptualRegression)
    nn.Module.__init__(term)
    term.share, term.channels, term.measured, term.layer_weights = 0.999, None, False, [1.0]
    term.features = lambda image: [image]
    labels = torch.arange(4).view(1, 1, 4).expand(1, 4, 4) // 2
    real = torch.zeros(1, 3, 4, 4)
    left, right = (labels == k for k in (0, 1))
    pictures = torch.stack([torch.where(side, 0.0, 1.0).expand(1, 3, 4, 4) for side in (left, right)], 1)
    seen = RegressionLossInputs(Semantics(labels.contiguous(), 2), real, pictures[:, 0], [], [], pictures=pictures)
    assert term(seen).item() == pytest.approx(0.001 * 0.5)


def test_what_is_refused(vgg):
    with pytest.raises(ValueError, match="6 numbers"):
        PerceptualRegression(vgg, layer_weights=[1.0])
    with pytest.raises(ValueError, match="warmup must be 1 or more"):
        PerceptualRegression(vgg, warmup=0)
    with pytest.raises(WeightsError, match="no file"):
        PerceptualRegression.preflight("nowhere.pth")
