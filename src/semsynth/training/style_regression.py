"""Training a network to read the style variables off an image."""

import torch
from torch import Tensor, nn

from semsynth.semantics.samples import SampleBatch
from semsynth.training.supervised import MakeOptimizer, SupervisedSystem


class StyleRegressionSystem(SupervisedSystem):
    """Mean squared error between `network(images)` (N,S) and a batch's `style` (N,S).

    Args:
        network: Images (N,3,H,W) in [-1,1] -> (N,S).
        optimizer: Parameters -> optimizer.
        warmup: Share of the steps in which the rate rises.
        photometric: Changes images of a training batch; null: none. It must keep what tells the style: no colours.
        ema: Decay of a moving average of the weights that replaces them at the end; null: none.

    Raises:
        ValueError: warmup outside [0,1], or a decay outside [0,1).
    """

    term = "regressor/squared_error"

    def __init__(self, network: nn.Module, optimizer: MakeOptimizer, *, warmup: float = 0.1,
                 photometric: nn.Module | None = None, ema: float | None = None) -> None:
        super().__init__(network, optimizer, warmup=warmup, ema=ema)
        self.photometric = photometric

    def loss(self, batch: SampleBatch) -> Tensor:
        """Mean squared error of a batch `{image, style}`, its images changed first in training."""
        images = batch["image"]
        if self.training and self.photometric is not None:
            images = self.photometric(images)
        answer = self.network(images.contiguous(memory_format=torch.channels_last))
        return (answer.float() - batch["style"]).square().mean()
