"""What is left of uniform label maps behind the first norm of pix2pixHD, SPADE, CLADE and OASIS, untrained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from semsynth.generators.oasis import OASISGenerator
from semsynth.generators.pix2pixhd import Pix2PixHDGenerator
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE
from semsynth.norms.spade import SPADE
from semsynth.norms.spade_noise import SPADE_Noise
from semsynth.semantics import Semantics

NETWORKS: dict[str, Callable[..., Any]] = {
    "pix2pixHD": Pix2PixHDGenerator,
    "SPADE": partial(SPADEGenerator, partial(SPADE, base=nn.InstanceNorm2d)),
    "CLADE": partial(SPADEGenerator, partial(CLADE, base=nn.InstanceNorm2d)),
    "OASIS": partial(OASISGenerator, partial(SPADE_Noise, base=nn.InstanceNorm2d)),
}


@dataclass(frozen=True)
class FirstNorm:
    """Features (M,C,h,w) of a network's first convolution for M uniform label maps, and behind its first norm.

    Attributes:
        before: Of the convolution.
        normalised: By instance norm without parameters.
        after: By the network's norm.
    """

    before: Tensor
    normalised: Tensor
    after: Tensor


@torch.inference_mode()
def first_norm(name: str, maps: int, *, num_classes: int = 151, ngf: int = 64, size: int = 256, seed: int = 0
               ) -> FirstNorm:
    """Show the first `maps` of `num_classes` classes, a label map of each alone, to a network's beginning.

    Weights are at torch's initial values for layers, which are larger than those that the networks start from; CLADE's
    shifts, which start at zero, are drawn from N(0, 1). All have instance norm underneath, and a first convolution that
    repeats or mirrors the border, so that nothing but the class is in its output. OASIS's noise is zero.

    Args:
        name: One of `NETWORKS`.
        maps: M.
        num_classes: K.
        ngf: Width of the network.
        size: Side of the label maps.
        seed: Of all weights.
    """
    semantics = Semantics(torch.arange(maps)[:, None, None].repeat(1, size, size), num_classes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = NETWORKS[name](num_classes=num_classes, size=(size, size), ngf=ngf).eval()
        semantics = network.prepare(semantics)
        if name == "pix2pixHD":
            network.trunk.first.conv.reset_parameters()
            before = network.trunk.first(semantics)
            after = network.trunk.norm(before)
            return FirstNorm(before, after, after)
        norm = next(iter(network.blocks.values())).norm_0
        for layer in (network.fc, *norm.modules()):
            if isinstance(layer, nn.Conv2d):
                layer.reset_parameters()
        if isinstance(norm, CLADE):
            nn.init.normal_(norm.beta)
        network.fc.padding_mode = "replicate"
        style = network.draw_style(maps, semantics, torch.zeros)
        before = network._start(semantics, style)
        return FirstNorm(before, norm.base(before), norm(before, semantics, style))
