"""Weight initialisation and spectral normalisation as the SPADE family uses them."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrize import is_parametrized

from semsynth.layers.class_linear import ClassLinear


class ZeroConv2d(nn.Conv2d):
    """A convolution that starts at zero and that `initialise` leaves there."""

    def reset_parameters(self) -> None:
        """Zero weights and biases."""
        nn.init.zeros_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class SpectralNorm(nn.Module):
    """W / sigma with sigma = u^T W v, W being the weight as a matrix (outputs, the rest) (arXiv:1802.05957).

    A forward in training mode is one power iteration, in the order of the paper and of the released networks: v from
    u, then u from v. (torch's parametrization takes u first: as exact, but on another trajectory of training, since
    the first sigma differs.) As released, u starts at random and is not iterated before training. So does v there,
    which nothing reads in training; here it belongs to u, so that networks that were never trained can be drawn from.

    On the meta device, where there are no values, nothing is iterated: that would take most of the time.
    """

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, eps: float = 1e-12) -> None:
        super().__init__()
        self.eps = eps
        self.iterates = True  # off where a forward is computed a second time
        rows = weight.flatten(1)
        self.register_buffer("_u", F.normalize(rows.new_empty(rows.shape[0]).normal_(), dim=0, eps=eps))
        self.register_buffer("_v", rows.new_empty(rows.shape[1]))
        self.follow(weight)

    @torch.no_grad()
    def follow(self, weight: Tensor) -> None:
        """Half an iteration: v, from u and the weight."""
        if not weight.is_meta:
            F.normalize(torch.mv(weight.flatten(1).t(), self._u), dim=0, eps=self.eps, out=self._v)

    @torch.no_grad()
    def iterate(self, weight: Tensor) -> None:
        """One power iteration, in place: u and v are buffers."""
        self.follow(weight)
        if not weight.is_meta:
            F.normalize(torch.mv(weight.flatten(1), self._v), dim=0, eps=self.eps, out=self._u)

    def vectors(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Copies of u and v, in training mode after an iteration: the next one must not change those of a graph."""
        if self.training and self.iterates:
            self.iterate(weight)
        return self._u.clone(), self._v.clone()

    def forward(self, weight: Tensor) -> Tensor:
        """The weight divided by its spectral norm."""
        return weight / norm_along(weight, *self.vectors(weight))

    def right_inverse(self, weight: Tensor) -> Tensor:
        """What is assigned to the layer's weight is taken for the undivided one."""
        return weight


def spectral_norm(layer: Any) -> nn.Module:
    """Spectral normalisation (arXiv:1802.05957) with one power iteration a training forward."""
    return parametrize.register_parametrization(layer, "weight", SpectralNorm(layer.weight))


def singular_vectors(layer: Any) -> tuple[Tensor, Tensor] | None:
    """The vectors u (rows) and v (columns) with which a spectral norm is u^T W v, W being the weight as a matrix.

    For callers that divide something smaller than the weight: no normalised copy is made, or kept for the backward
    pass. This is a forward, with its power iteration. None without a spectral norm; in evaluation mode, where the
    estimate of the norm can be anything, even negative, until it was iterated; on the meta device; and under autocast
    to float16, whose range such weights and their gradients leave.
    """
    parametrization = getattr(layer, "parametrizations", None)
    if parametrization is None or parametrize._cache_enabled:
        return None
    if [type(p) for p in parametrization.weight] != [SpectralNorm]:
        return None
    norm, weight = parametrization.weight[0], parametrization.weight.original
    if not norm.training or weight.is_meta:
        return None
    device = weight.device.type
    if torch.is_autocast_enabled(device) and torch.get_autocast_dtype(device) == torch.float16:
        return None
    return norm.vectors(weight)


def norm_along(weight: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """The spectral norm u^T W v of a weight (rows,...) with its singular vectors u (rows,) and v (columns,)."""
    return torch.vdot(u, torch.mv(weight.flatten(1), v))


def weight_and_norm(layer: Any) -> tuple[Tensor, Tensor | None]:
    """The weight of a layer and the spectral norm that it is to be divided by; the weight as it is, None without one.

    As for `singular_vectors`, this is a forward.
    """
    if (vectors := singular_vectors(layer)) is None:
        return layer.weight, None
    weight = layer.parametrizations.weight.original
    return weight, norm_along(weight, *vectors)


def initialise(network: nn.Module, gain: float = 0.02) -> None:
    """Xavier-normal convolution and linear weights with `gain`, zero biases, affine norm weights N(1, 0.02).

    The published initialisation (arXiv:1903.07291), except that `ZeroConv2d` stays at zero.
    """
    for module in network.modules():
        if isinstance(module, ZeroConv2d):
            continue
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            _initialise_layer(module, gain)
        elif isinstance(module, ClassLinear):
            module.initialise(gain)
        elif isinstance(module, nn.BatchNorm2d) and module.affine:
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)


def initialise_normal(network: nn.Module, deviation: float = 0.02) -> None:
    """N(0, `deviation`) convolution weights; biases stay as torch made them (arXiv:1711.11585, as released)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, deviation)


def _initialise_layer(layer: Any, gain: float) -> None:
    normed = is_parametrized(layer, "weight")
    nn.init.xavier_normal_(layer.parametrizations.weight.original if normed else layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    if normed:
        layer.parametrizations.weight[0].follow(layer.parametrizations.weight.original)
