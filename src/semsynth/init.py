"""Weight initialisation and spectral normalisation as the SPADE family uses them."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.utils import parametrizations
from torch.nn.utils.parametrize import is_parametrized


class ZeroConv2d(nn.Conv2d):
    """A convolution that starts at zero and that :func:`initialise` leaves there."""

    def reset_parameters(self) -> None:
        """Zero weights and biases."""
        nn.init.zeros_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


def spectral_norm(layer: nn.Module) -> nn.Module:
    """Spectral normalisation (arXiv:1802.05957) with one power iteration a training forward."""
    return parametrizations.spectral_norm(layer, n_power_iterations=1, eps=1e-12)


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
