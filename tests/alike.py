"""One picture by all the ways in which a network computes it."""

import torch
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
