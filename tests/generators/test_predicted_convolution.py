import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.generators.predicted_convolution import PredictedConv2d
from semsynth.norms.base import plain_formula


def unfolded(x, kernels):
    """As published: unfold, multiply, sum the nine taps; the channel of a kernel is c*9 + tap."""
    n, c, h, w = x.shape
    windows = F.unfold(x, 3, padding=1).view(n, c, 9, h, w)
    return (windows * kernels.view(n, c, 9, h, w)).sum(2)


def inputs():
    return torch.randn(2, 3, 5, 7).double().requires_grad_(), torch.randn(2, 27, 5, 7).double().requires_grad_()


def test_it_is_the_unfolded_product():
    x, kernels = inputs()
    expected = unfolded(x, kernels)
    assert_close(PredictedConv2d()(x, kernels), expected)
    with torch.no_grad():
        assert_close(PredictedConv2d()(x, kernels), expected)
    with plain_formula():
        assert_close(PredictedConv2d()(x, kernels), expected)


def test_its_gradients():
    assert torch.autograd.gradcheck(PredictedConv2d(), inputs(), fast_mode=True)
    found = []
    for layer in (PredictedConv2d(), unfolded):
        torch.manual_seed(0)
        x, kernels = inputs()
        layer(x, kernels).square().sum().backward()
        found.append((x.grad, kernels.grad))
    assert_close(*found)


def test_a_kernel_that_picks_one_neighbour():
    kernels = torch.zeros(1, 18, 4, 4)
    kernels[:, 5] = 1  # channel 0, right of the middle
    kernels[:, 9 + 1] = 1  # channel 1, above it
    x = torch.rand(1, 2, 4, 4)
    out = PredictedConv2d()(x, kernels)
    assert_close(out[0, 0], F.pad(x[0, 0], (0, 1))[:, 1:])
    assert_close(out[0, 1], F.pad(x[0, 1], (0, 0, 1, 0))[:-1])


def test_what_training_keeps():
    """Features and kernels, of which nothing is unfolded."""
    x, kernels = inputs()
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        PredictedConv2d()(x, kernels)
    assert sorted(kept) == [x.numel(), kernels.numel()]
