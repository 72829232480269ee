"""Edges between instances, the extra input channel of data sets that have instance maps."""

import torch
from torch import Tensor


def instance_edges(instances: Tensor) -> Tensor:
    """Mark every pixel that differs from its left, right, upper or lower neighbour (pix2pixHD, arXiv:1711.11585).

    instances (N,H,W) int64, any ids -> (N,1,H,W) float32, 0 or 1. Both pixels of a differing pair are marked; the image
    border is no edge. The map is made at the size at which it is used, after resizing and cropping.

    Raises:
        ValueError: the map is not of shape (N,H,W).
    """
    if instances.ndim != 3:
        raise ValueError(f"instances must have shape (N,H,W), got {tuple(instances.shape)}")
    edges = torch.zeros(instances.shape, dtype=torch.bool, device=instances.device)
    across = instances[:, :, 1:] != instances[:, :, :-1]
    down = instances[:, 1:] != instances[:, :-1]
    edges[:, :, 1:] |= across
    edges[:, :, :-1] |= across
    edges[:, 1:] |= down
    edges[:, :-1] |= down
    return edges.unsqueeze(1).float()
