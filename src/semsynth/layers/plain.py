"""Parametrised weights as plain ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized, type_before_parametrizations


@torch.no_grad()
def plain_weights(network: nn.Module) -> None:
    """Replace whatever in `network` is computed from parameters at every read, such as spectral norms, by its value.

    Not by `remove_parametrizations`: the copy of a parametrised module shares its class with the original, and that
    function takes the computed attribute from the class.
    """
    modules: list[Any] = [m for m in network.modules() if is_parametrized(m)]
    for module in modules:
        values = {name: getattr(module, name) for name in module.parametrizations}
        module.__class__ = type_before_parametrizations(module)
        del module.parametrizations
        for name, value in values.items():
            module.register_parameter(name, nn.Parameter(value))
