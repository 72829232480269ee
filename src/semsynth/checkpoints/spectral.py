"""Spectral norms as older PyTorch saved them."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def complete_spectral_norms(state: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Add the right singular vector where an old file has the left one only, and drop the weights divided by sigma.

    The layer computes W / sigma with sigma = u' W v. Files of PyTorch 0.4 hold no v: it becomes W'u / |W'u|. Some hold
    the divided weights beside W; then v is scaled so that sigma is theirs.

    Returns:
        The state dict, and the names of the layers that lacked v.
    """
    complete, layers = dict(state), []
    for key in state:
        layer = key.removesuffix(".weight_orig")
        if layer == key or f"{layer}.weight_u" not in state:
            continue
        divided = complete.pop(f"{layer}.weight", None)
        if f"{layer}.weight_v" in state:
            continue
        weight, u = state[key].float().flatten(1), state[f"{layer}.weight_u"].float()
        if weight.shape[0] != u.shape[0]:
            continue  # the comparison of shapes will say so
        back = weight.t().mv(u)
        v = back / back.norm().clamp_min(1e-12)
        if divided is not None and divided.shape == state[key].shape:
            flat = divided.float().flatten(1)
            wanted = (weight * flat).sum() / flat.square().sum().clamp_min(1e-12)  # least squares of W = sigma * W_sn
            v *= wanted / back.norm().clamp_min(1e-12)
        complete[f"{layer}.weight_v"] = v
        layers.append(layer)
    return complete, layers
