import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close
from torchvision.models.vgg import cfgs, make_layers

from semsynth.errors import WeightsError
from semsynth.losses.adversarial import (
    DiscriminatorAdversarial,
    GeneratorAdversarial,
    Hinge,
    LeastSquares,
    Original,
    Wasserstein,
)
from semsynth.losses.feature_matching import FeatureMatching
from semsynth.losses.frozen_features import FrozenFeatures
from semsynth.losses.inputs import LossInputs
from semsynth.losses.kl import KLDivergence
from semsynth.losses.perceptual import Perceptual
from semsynth.semantics import Semantics
from semsynth.style import Posterior, Style


def step(**changes):
    def maps():
        return [[torch.randn(2, 3, s, s), torch.randn(2, 6, s, s), torch.randn(2, 1, s, s)] for s in (6, 3)]

    values = {"semantics": Semantics(torch.zeros(2, 8, 8).long(), 2), "real": torch.rand(2, 3, 8, 8),
              "fake": torch.rand(2, 3, 8, 8), "fake_maps": maps(), "real_maps": maps()}
    return LossInputs(**(values | changes))


OBJECTIVES = [
    (Hinge(), lambda r, f: (1 - r).clamp(min=0).mean() + (1 + f).clamp(min=0).mean(), lambda f: -f.mean()),
    (LeastSquares(), lambda r, f: F.mse_loss(r, torch.ones_like(r)) + F.mse_loss(f, torch.zeros_like(f)),
     lambda f: F.mse_loss(f, torch.ones_like(f))),
    (Original(), lambda r, f: F.binary_cross_entropy_with_logits(r, torch.ones_like(r))
     + F.binary_cross_entropy_with_logits(f, torch.zeros_like(f)),
     lambda f: F.binary_cross_entropy_with_logits(f, torch.ones_like(f))),
    (Wasserstein(), lambda r, f: f.mean() - r.mean(), lambda f: -f.mean()),
]


@pytest.mark.parametrize(("objective", "of_d", "of_g"), OBJECTIVES)
def test_adversarial_is_the_mean_over_scales(objective, of_d, of_g):
    s = step()
    scales = list(zip(s.real_maps, s.fake_maps, strict=True))
    assert_close(DiscriminatorAdversarial(objective)(s), sum(of_d(r[-1], f[-1]) for r, f in scales) / 2)
    assert_close(GeneratorAdversarial(objective)(s), sum(of_g(f[-1]) for _, f in scales) / 2)


def test_feature_matching_leaves_the_prediction_out_and_real_without_gradient():
    s = step()
    for scale in s.real_maps + s.fake_maps:
        for m in scale:
            m.requires_grad_()
    loss = FeatureMatching()(s)
    expected = sum((f - r).abs().mean() for rs, fs in zip(s.real_maps, s.fake_maps, strict=True)
                   for r, f in zip(rs[:-1], fs[:-1], strict=True)) / 2
    assert_close(loss, expected)
    loss.backward()
    assert all(m.grad is None for scale in s.real_maps for m in scale)
    assert all(scale[-1].grad is None for scale in s.fake_maps)


def test_kl_sums_over_the_published_number_of_samples_and_is_zero_without_an_encoder():
    mu, logvar = torch.randn(8, 5), torch.randn(8, 5)
    posterior = torch.distributions.Normal(mu, (logvar / 2).exp())
    each = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(1)
    # as released: the sum over each of two devices, averaged over them
    expected = torch.stack([each[:4].sum(), each[4:].sum()]).mean()
    assert_close(KLDivergence(samples=4)(step(style=Style(vector=mu, posterior=Posterior(mu, logvar)))), expected)
    assert KLDivergence()(step()) == 0
    assert [KLDivergence().applies(step(style=style)) for style in
            (None, Style(vector=mu), Style(vector=mu, posterior=Posterior(mu, logvar)))] == [False, False, True]
    with pytest.raises(ValueError, match="samples must be >= 1, got 0"):
        KLDivergence(samples=0)


@pytest.fixture(scope="module")
def vgg_file(tmp_path_factory):
    path, layers = tmp_path_factory.mktemp("vgg") / "vgg.pth", make_layers(cfgs["E"])
    for layer in layers:
        if isinstance(layer, nn.Conv2d):  # as torchvision's VGG-19 starts
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    torch.save({f"features.{k}": v for k, v in layers.state_dict().items()}, path)
    return path


def test_perceptual_against_the_taps_of_torchvision(vgg_file):
    loss = Perceptual(str(vgg_file))
    reference = make_layers(cfgs["E"])
    reference.load_state_dict({k.removeprefix("features."): v for k, v in torch.load(vgg_file).items()})
    fake, real = torch.rand(1, 3, 32, 32).requires_grad_(), torch.rand(1, 3, 32, 32)

    def taps(x):
        out = []
        for i, layer in enumerate(reference):
            x = F.relu(x) if isinstance(layer, nn.ReLU) else layer(x)
            if i in (1, 6, 11, 20, 29):
                out.append(x)
        return out

    expected = sum(w * F.l1_loss(a, b) for w, a, b in
                   zip((1 / 32, 1 / 16, 1 / 8, 1 / 4, 1), taps(fake), taps(real), strict=True))
    value = loss(step(fake=fake, real=real))
    assert_close(value, expected)
    value.backward()
    assert fake.grad.abs().sum() > 0


def test_normalised_pictures_are_in_imagenet_s_statistics(vgg_file):
    """Its mean colour becomes 0, white what it is away from it in deviations; one channel counts as three."""
    loss = Perceptual(str(vgg_file), normalize=True)
    mean, white = torch.tensor([0.485, 0.456, 0.406]), [2.2489, 2.4286, 2.6400]
    image = torch.stack([2 * mean - 1, torch.ones(3)], 1).view(1, 3, 1, 2)
    assert_close(loss.prepared(image)[0, :, 0].T, torch.tensor([[0.0, 0.0, 0.0], white]), atol=1e-4, rtol=0)
    plain, grey = Perceptual(str(vgg_file)), torch.rand(2, 1, 1, 32, 32)
    wide = grey.expand(2, 1, 3, 32, 32)
    assert_close(plain(step(fake=grey[0], real=grey[1])), plain(step(fake=wide[0], real=wide[1])))
    fake, real = (loss.prepared(x) for x in wide)
    assert_close(loss(step(fake=grey[0], real=grey[1])), plain(step(fake=fake, real=real)))


def test_the_frozen_network_is_hidden(vgg_file):
    loss = Perceptual(str(vgg_file), normalize=True).train()
    assert not loss.state_dict()
    assert not list(loss.parameters())
    assert not loss._frozen[0].training
    assert loss.double()._frozen[0][0].weight.dtype == torch.float64


def test_missing_or_wrong_weights_name_the_way_out(tmp_path, monkeypatch):
    with pytest.raises(WeightsError, match=r"no file .*none\.pth.*into the folder of weights"):
        Perceptual.preflight(str(tmp_path / "none.pth"))
    torch.save({"features.0.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=r"features\.0\.weight"):
        Perceptual(str(tmp_path / "other.pth"))
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(WeightsError, match=r"text\.pth cannot be read.*into the folder of weights"):
        Perceptual.preflight(str(tmp_path / "text.pth"))

    monkeypatch.setenv("SEMSYNTH_WEIGHTS", str(tmp_path))
    told = (r"/vgg19-dcbb9e9d\.pth is missing, and cannot be downloaded \(no network.*folder of weights \("
            rf"{tmp_path}.*python tools/weights\.py")
    with pytest.raises(WeightsError, match=told):
        Perceptual.preflight()


def test_a_loss_of_features_must_say_how_its_network_takes_images():
    """Refused when it is made, not at the first batch."""
    with pytest.raises(TypeError, match="prepared"):
        FrozenFeatures(nn.Identity(), [1.0], 1.0)
