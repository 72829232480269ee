"""Per-pixel formulas of the modulations in plain loops and float64, to hold the norms against."""

import torch


def normalised(x, eps=1e-5):
    """Batch norm over N, H, W from its definition."""
    mean = x.mean((0, 2, 3), keepdim=True)
    return (x - mean) / ((x.square().mean((0, 2, 3), keepdim=True) - mean.square()) + eps).sqrt()


def conv_at(inputs, weight, bias, n, i, j):
    """A zero-padded convolution at one position, tap by tap."""
    out = bias.clone()
    k = weight.shape[-1]
    for a in range(k):
        for b in range(k):
            y, x = i + a - k // 2, j + b - k // 2
            if 0 <= y < inputs.shape[2] and 0 <= x < inputs.shape[3]:
                out += weight[:, :, a, b] @ inputs[n, :, y, x]
    return out


def one_hot(labels, num_classes, edges=None):
    """Class channels by assignment, edges last."""
    n, h, w = labels.shape
    out = torch.zeros(n, num_classes + (edges is not None), h, w, dtype=torch.float64)
    for s in range(n):
        for i in range(h):
            for j in range(w):
                out[s, labels[s, i, j], i, j] = 1
                if edges is not None:
                    out[s, -1, i, j] = edges[s, 0, i, j]
    return out
