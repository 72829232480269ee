"""Drawing a style vector from what the encoder says."""

import torch
from torch import Tensor


def sample_posterior(mu: Tensor, logvar: Tensor) -> Tensor:
    """z = mu + eps * exp(logvar / 2) with eps ~ N(0, 1), all (N, Z), in float32 at least (arXiv:1312.6114)."""
    dtype = torch.promote_types(mu.dtype, torch.float32)
    mu, logvar = mu.to(dtype), logvar.to(dtype)
    return mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
