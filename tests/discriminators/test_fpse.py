import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.discriminators.fpse import FPSEDiscriminator
from semsynth.semantics import Semantics


def label_maps(n=2, size=(64, 96), edges=True):
    return Semantics(torch.randint(0, 3, (n, *size)), 3, torch.rand(n, 1, *size).round() if edges else None)


@pytest.mark.parametrize(("classes", "edges", "parameters"), [
    (151, False, 5_190_593), (183, True, 5_194_817), (35, True, 5_175_873)])
def test_published_counts(classes, edges, parameters):
    with torch.device("meta"):
        network = FPSEDiscriminator(classes, edges=edges)
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert len(network.state_dict()) == 42


def test_by_its_formula():
    """Classes embedded at every pixel and averaged after; maps on the way down, predictions at 1/4, 1/8, 1/16."""
    network = FPSEDiscriminator(3, edges=True, ndf=4, init_gain=1.0).double().eval()
    maps, x = label_maps(), torch.randn(2, 3, 64, 96).double()
    scales = network(maps, x)

    def layer(module, x, **kwargs):
        weight = module[0].weight
        x = F.conv2d(x, weight, padding=weight.shape[-1] // 2, **kwargs)
        x = (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), keepdim=True, correction=0) + 1e-5).sqrt()
        return F.leaky_relu(x, 0.2)

    embedded = F.conv2d(maps.one_hot(edges=True, dtype=torch.float64), network.embedding.weight, network.embedding.bias)
    down = []
    for encoder in network.encoders:
        x = layer(encoder, x, stride=2)
        down.append(x)
    up = layer(network.laterals[3], down[4])
    levels = {}
    for level in (3, 2, 1):
        up = F.interpolate(up, scale_factor=2, mode="bilinear") + layer(network.laterals[level - 1], down[level])
        levels[level] = up
    for scale, level in zip(scales, (1, 2, 3), strict=True):
        final = layer(network.decoders[level - 1], levels[level])
        pooled = embedded
        for _ in range(level + 1):
            pooled = F.avg_pool2d(pooled, 2)
        matched = F.conv2d(final, network.match.weight, network.match.bias)
        expected = F.conv2d(final, network.score.weight, network.score.bias) + (matched * pooled).sum(1, keepdim=True)
        assert_close(scale[-1], expected)
        assert scale[-1].shape[-2:] == (64 >> level + 1, 96 >> level + 1)
    assert_close(scales[0][:-1], down[1:])
    assert [len(scale) for scale in scales] == [5, 1, 1]


def test_fake_and_real_in_one_batch_equal_two_passes():
    network, maps = FPSEDiscriminator(3, edges=True, ndf=4).eval(), label_maps()
    fake, real = torch.rand(2, 3, 64, 96), torch.rand(2, 3, 64, 96)
    both = network(maps, torch.cat([fake, real]))
    for scale, fakes, reals in zip(both, network(maps, fake), network(maps, real), strict=True):
        for joint, a, b in zip(scale, fakes, reals, strict=True):
            assert_close(joint, torch.cat([a, b]), rtol=1e-4, atol=1e-5)


def test_soft_label_maps_have_gradients():
    network, soft = FPSEDiscriminator(3, ndf=4), torch.rand(1, 3, 64, 64).softmax(1).requires_grad_()
    network(Semantics.from_probabilities(soft), torch.rand(1, 3, 64, 64))[0][-1].sum().backward()
    assert soft.grad.abs().sum() > 0
    hard = label_maps(1, (64, 64), edges=False)
    same = Semantics.from_probabilities(hard.one_hot())
    image = torch.rand(1, 3, 64, 64)
    assert_close(network.eval()(hard, image), network(same, image))


@pytest.mark.parametrize("size", [(32, 32), (48, 64)])
def test_sizes_that_it_cannot_read(size):
    with pytest.raises(ValueError, match=r"multiples of 32.*discriminator=patchgan"):
        FPSEDiscriminator(3, ndf=4)(label_maps(1, size, edges=False), torch.rand(1, 3, *size))
