"""What a network computes by tables, and by the plain formula: the same."""

import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.norms.base import plain_formula


def drawn_alike(network, maps):
    """Settle a network's statistics on label maps, and draw them by tables, by the plain formula and folded, the same.

    Args:
        network: In training mode; it is in double precision and evaluation mode afterwards.
        maps: Makes the label maps.

    Returns:
        Prepared label maps, the picture, and the folded network.
    """
    for _ in range(3):
        network(network.prepare(maps()))  # statistics that are not those of the start
    network, semantics = network.double().eval(), network.prepare(maps())
    style = network.draw_style(len(semantics), semantics)
    with torch.no_grad():
        image = network(semantics, style)
        with plain_formula():
            assert_close(image, network(semantics, style), atol=1e-9, rtol=0)
        fast = network.optimize_for_inference()
        assert_close(image, fast(semantics, style), atol=1e-9, rtol=0)
    return semantics, image, fast


def normed_alike(norm, plain, x, sem, slope, monkeypatch):
    """A norm with LeakyReLU by tables alone, and its copy by the plain formula: the same, with all gradients."""
    with monkeypatch.context() as context:
        context.setattr(norm, "modulation", None)
        out = norm(x, sem, slope=slope)
    with plain_formula():
        expected = F.leaky_relu(plain(x, sem), slope)
    assert_close(out, expected)
    weights = torch.randn_like(expected)
    grads = torch.autograd.grad((out * weights).sum(), (x, *norm.parameters()))
    plain_grads = torch.autograd.grad((expected * weights).sum(), (x, *plain.parameters()))
    for (name, _), grad, plain_grad in zip([("x", x), *norm.named_parameters()], grads, plain_grads, strict=True):
        assert_close(grad, plain_grad, msg=name)
