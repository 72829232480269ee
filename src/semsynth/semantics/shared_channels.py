"""Classes that share a channel."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def shared_channels(classes: Tensor, channels: Sequence[int] | None) -> Tensor:
    """Sums of the class channels (N,K,H,W) that share one: (N,K',H,W); as they are where `channels` is None.

    >>> shared_channels(torch.tensor([0.5, 0.25, 0.25]).view(1, 3, 1, 1), [1, 0, 1]).flatten().tolist()
    [0.25, 0.75]
    """
    if channels is None:
        return classes
    shared = classes.new_zeros(len(classes), max(channels) + 1, *classes.shape[2:])
    return shared.index_add(1, torch.tensor(channels, device=classes.device), classes)
