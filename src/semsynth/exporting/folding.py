"""A generator with its spectral norm and its batch-norm statistics inside its weights."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, type_before_parametrizations

from semsynth.norms.clade import CLADE, CLADE_DISTF, CLADE_ICPE
from semsynth.norms.spade import SPADE

Network = TypeVar("Network", bound=nn.Module)


class Shift(nn.Module):
    """x (N,C,H,W) minus a mean (C,): what is left of a batch norm whose deviation is folded elsewhere."""

    def __init__(self, mean: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean.view(-1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Subtract."""
        return x - self.get_buffer("mean")


@torch.no_grad()
def folded(network: Network) -> Network:
    """A copy in evaluation mode that makes the same images from plain weights.

    Spectrally normalised weights are divided once and for all. Where a batch norm without parameters stands under
    SPADE, CLADE or one of CLADE's variants, its running mean and deviation go into the modulation:
    (x - mean) / deviation * gamma + beta = x * gamma' + beta'. Other norms stay as they are.
    """
    network = copy.deepcopy(network).eval().requires_grad_(False)
    for module in list(network.modules()):
        if is_parametrized(module):
            _settle(module)
    for module in network.modules():
        base: Any = getattr(module, "base", None)
        if type(base) in (nn.BatchNorm2d, nn.SyncBatchNorm) and not base.affine and base.track_running_stats:
            if type(module) is SPADE:
                _fold_spade(module, base)
            elif type(module) in (CLADE, CLADE_DISTF, CLADE_ICPE):
                _fold_clade(module, base)
    return network.requires_grad_(False)


def _settle(module: Any) -> None:
    """Replace what is computed from parameters at every read by its value.

    Not by ``remove_parametrizations``: the copy of a parametrised module shares its class with the original, and that
    function takes the computed attribute from the class.
    """
    values = {name: getattr(module, name) for name in module.parametrizations}
    module.__class__ = type_before_parametrizations(module)
    del module.parametrizations
    for name, value in values.items():
        module.register_parameter(name, nn.Parameter(value))


def _moments(base: Any) -> tuple[Tensor, Tensor]:
    """Mean and 1/deviation (C,) in double precision, so that folding rounds once."""
    return base.running_mean.double(), (base.running_var.double() + base.eps).rsqrt()


def _fold_spade(norm: Any, base: nn.Module) -> None:
    """1 + gamma' = (1 + gamma) / deviation, beta' = beta - mean * (1 + gamma'), both linear in the convolutions."""
    mean, inverse = _moments(base)
    gamma, beta = norm.gamma, norm.beta
    weight, one_plus = gamma.weight.double() * inverse[:, None, None, None], (1 + gamma.bias.double()) * inverse
    beta.weight.copy_(beta.weight.double() - mean[:, None, None, None] * weight)
    beta.bias.copy_(beta.bias.double() - mean * one_plus)
    gamma.weight.copy_(weight)
    gamma.bias.copy_(one_plus - 1)
    norm.base = nn.Identity()


def _fold_clade(norm: Any, base: nn.Module) -> None:
    """gamma' = gamma / deviation, beta' = beta - mean * gamma'.

    The positional encoding of CLADE-ICPE scales gamma and beta differently at each pixel: there the mean is subtracted
    from x instead.
    """
    mean, inverse = _moments(base)
    gamma = norm.gamma.double() * inverse
    norm.gamma.copy_(gamma)
    if type(norm) is CLADE_ICPE:
        norm.base = Shift(mean.to(norm.gamma))
    else:
        norm.beta.copy_(norm.beta.double() - mean * gamma)
        norm.base = nn.Identity()
