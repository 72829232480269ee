"""A linear layer for each class."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ClassLinear(nn.Module):
    """Codes (N,K,F), one a class, to (N,K,G): each class has a matrix and a bias of its own, all in one product.

    >>> layer, codes = ClassLinear(num_classes=2, inputs=3, outputs=4), torch.randn(5, 2, 3)
    >>> torch.allclose(layer(codes)[:, 1], codes[:, 1] @ layer.weight[1].t() + layer.bias[1], atol=1e-6)
    True

    Shapes:
        weight: (K,G,F).
        bias: (K,G).

    Args:
        num_classes: K.
        inputs: F.
        outputs: G.
    """

    class_indexed = {"weight": 0, "bias": 0}

    def __init__(self, num_classes: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.num_classes, self.inputs, self.outputs = num_classes, inputs, outputs
        self.weight = nn.Parameter(torch.empty(num_classes, outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(num_classes, outputs))
        self.initialise(1.0)

    def initialise(self, gain: float) -> None:
        """Xavier-normal weights as of K linear layers, zero biases."""
        for weight in self.weight.data:
            nn.init.xavier_normal_(weight, gain)
        nn.init.zeros_(self.bias)

    def extra_repr(self) -> str:
        """Sizes, for `print(network)`."""
        return f"{self.inputs} -> {self.outputs}, num_classes={self.num_classes}"

    def forward(self, codes: Tensor) -> Tensor:
        """All classes of all pictures."""
        out = torch.baddbmm(self.bias[:, None], codes.transpose(0, 1), self.weight.transpose(1, 2))
        return out.transpose(0, 1)
