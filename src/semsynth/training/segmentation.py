"""Training a segmentation network on pairs of images and labels."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.semantics.samples import SampleBatch
from semsynth.sharing import mean_of_all, summed
from semsynth.training.supervised import MakeOptimizer, SupervisedSystem


class SegmentationSystem(SupervisedSystem):
    """Cross entropy of a segmenter's logits at the labels' size, a mean over the pixels of all processes that count.

    A network with `supervised(x) -> (logits, auxiliary logits)` is trained on both.

    Args:
        network: Preprocessed images -> logits (N,K,h,w).
        preprocessing: Images (N,3,H,W) in [-1,1] -> the network's input.
        num_classes: Channels K of the logits.
        optimizer: Parameters -> optimizer.
        ignore: Class whose pixels do not count; null: all count.
        warmup: Share of the steps in which the rate rises.
        geometric: Changes images and labels of a training batch together; null: none.
        photometric: Changes images of a training batch; null: none.
        balance: Classes are weighted by their frequency to the power of minus this: 0 counts every pixel alike, 1 every
            class alike. Frequencies are counted during training.
        auxiliary: Weight of the auxiliary logits' loss.
        ema: Decay of a moving average of the weights that replaces them at the end; null: none.

    Raises:
        ValueError: balance or warmup outside [0,1], or a decay outside [0,1).
    """

    term = "segmenter/cross_entropy"
    counts: Tensor  # (K,) pixels of every class so far

    def __init__(
        self,
        network: nn.Module,
        preprocessing: Callable[[Tensor], Tensor],
        num_classes: int,
        optimizer: MakeOptimizer,
        *,
        ignore: int | None = None,
        warmup: float = 0.1,
        geometric: nn.Module | None = None,
        photometric: nn.Module | None = None,
        balance: float = 0.0,
        auxiliary: float = 0.4,
        ema: float | None = None,
    ) -> None:
        super().__init__(network, optimizer, warmup=warmup, ema=ema)
        if not 0 <= balance <= 1:
            raise ValueError(f"balance must be in [0,1], got {balance}")
        self.preprocessing, self.num_classes, self.ignore = preprocessing, num_classes, ignore
        self.geometric, self.photometric = geometric, photometric
        self.balance, self.auxiliary = balance, auxiliary
        self.register_buffer("counts", torch.ones(num_classes), persistent=False)

    def loss(self, batch: SampleBatch) -> Tensor:
        """Cross entropy of a batch `{image, labels}`, changed first in training."""
        images, labels = batch["image"], batch["labels"]
        if self.training and self.geometric is not None:
            images, labels = self.geometric(images, labels)
        if self.training and self.photometric is not None:
            images = self.photometric(images)
        x = self.preprocessing(images).contiguous(memory_format=torch.channels_last)
        supervised = getattr(self.network, "supervised", None)
        answers = supervised(x) if self.training and supervised is not None else (self.network(x),)
        return self._cross_entropy(answers, labels)

    def _cross_entropy(self, answers: Sequence[Tensor], labels: Tensor) -> Tensor:
        weight = self._class_weights(labels) if self.balance else None
        counts = torch.ones_like(labels, dtype=torch.bool) if self.ignore is None else labels != self.ignore
        weights = counts.float() if weight is None else weight[labels] * counts
        losses = []
        for logits in answers:
            logits = F.interpolate(logits.float(), labels.shape[-2:], mode="bilinear", align_corners=False)
            losses.append(mean_of_all((weights * F.cross_entropy(logits, labels, reduction="none")).sum(),
                                      weights.sum()))
        return losses[0] + self.auxiliary * sum(losses[1:])

    def _class_weights(self, labels: Tensor) -> Tensor:
        if self.training:
            self.counts += summed(torch.bincount(labels.flatten(), minlength=self.num_classes))
        return (self.counts.mean() / self.counts) ** self.balance
