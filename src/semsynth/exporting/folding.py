"""A generator with its spectral norm and its batch-norm statistics inside its weights."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn

from semsynth.layers.plain import plain_weights
from semsynth.norms.base import Norm

Network = TypeVar("Network", bound=nn.Module)


@torch.no_grad()
def folded(network: Network) -> Network:
    """A copy in evaluation mode that makes the same images from plain weights.

    Spectrally normalised weights are divided once and for all. Where a batch norm without parameters stands under
    tables or layers in which a modulation is linear, its running mean and deviation go into these:
    (x - mean) / deviation * gamma + beta = x * gamma' + beta'. Other norms stay as they are.
    """
    network = copy.deepcopy(network).eval().requires_grad_(False)
    plain_weights(network)
    for module in network.modules():
        if isinstance(module, Norm):
            module.fold_()
    return network.requires_grad_(False)
