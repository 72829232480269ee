"""Weight initialisation and spectral normalisation as the SPADE family uses them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.parametrize import is_parametrized


class ZeroConv2d(nn.Conv2d):
    """A convolution that starts at zero and that :func:`initialise` leaves there."""

    def reset_parameters(self) -> None:
        """Zero weights and biases."""
        nn.init.zeros_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class SpectralNorm(_SpectralNorm):
    """torch's, without power iterations on the meta device: there are no values, and they take most of the time."""

    def _power_method(self, weight_mat: Tensor, n_power_iterations: int) -> None:
        if not weight_mat.is_meta:
            super()._power_method(weight_mat, n_power_iterations)


def spectral_norm(layer: Any) -> nn.Module:
    """Spectral normalisation (arXiv:1802.05957) with one power iteration a training forward."""
    norm = SpectralNorm(layer.weight, n_power_iterations=1, eps=1e-12)
    return parametrize.register_parametrization(layer, "weight", norm)


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
    norm._power_method(norm._reshape_weight_to_matrix(weight), norm.n_power_iterations)
    return norm._u.clone(), norm._v.clone()  # the next iteration changes them in place


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
    """Xavier-normal convolution and linear weights with ``gain``, zero biases, affine norm weights N(1, 0.02).

    The published initialisation (arXiv:1903.07291), except that :class:`ZeroConv2d` stays at zero.
    """
    for module in network.modules():
        if isinstance(module, ZeroConv2d):
            continue
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            _initialise_layer(module, gain)
        elif isinstance(module, nn.BatchNorm2d) and module.affine:
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)


def _initialise_layer(layer: Any, gain: float) -> None:
    normed = is_parametrized(layer, "weight")
    nn.init.xavier_normal_(layer.parametrizations.weight.original if normed else layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    if normed:
        # The largest singular value was estimated for the weights before: let it follow the new ones.
        for _ in range(5):
            layer.weight  # noqa: B018 - in training mode each read is a power iteration
