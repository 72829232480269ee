"""Training a segmentation network on pairs of images and labels."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from semsynth.training.ema import WeightAverage
from semsynth.training.faults import NonFiniteError


def warmup_cosine(step: int, total: int, warmup: float) -> float:
    """Factor on the rate at a step (from 0) of `total`: a line up over the share `warmup`, then half a cosine."""
    rise = max(1, round(total * warmup))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rise) / max(1, total - rise))))


class SegmentationSystem(pl.LightningModule):
    """Cross entropy of a segmenter's logits at the labels' size, one optimizer, a warmed-up cosine rate.

    A network with `supervised(x) -> (logits, auxiliary logits)` is trained on both.

    Args:
        network: Preprocessed images -> logits (N,K,h,w).
        preprocessing: Images (N,3,H,W) in [-1,1] -> the network's input.
        num_classes: Channels K of the logits.
        ignore: Class whose pixels do not count; null: all count.
        optimizer: Parameters -> optimizer.
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

    counts: Tensor

    def __init__(
        self,
        network: nn.Module,
        preprocessing: Callable[[Tensor], Tensor],
        num_classes: int,
        optimizer: Callable[[Any], Optimizer],
        *,
        ignore: int | None = None,
        warmup: float = 0.1,
        geometric: nn.Module | None = None,
        photometric: nn.Module | None = None,
        balance: float = 0.0,
        auxiliary: float = 0.4,
        ema: float | None = None,
    ) -> None:
        super().__init__()
        if not 0 <= balance <= 1 or not 0 <= warmup <= 1:
            raise ValueError(f"balance and warmup must be in [0,1], got {balance} and {warmup}")
        if ema is not None and not 0 <= ema < 1:
            raise ValueError(f"ema must be in [0,1), got {ema}")
        self.network = network.to(memory_format=torch.channels_last)  # a fifth faster on a CPU, more with bfloat16
        self.preprocessing, self.make_optimizer = preprocessing, optimizer
        self.num_classes, self.ignore, self.warmup = num_classes, ignore, warmup
        self.geometric, self.photometric = geometric, photometric
        self.balance, self.auxiliary, self.ema = balance, auxiliary, ema
        self.register_buffer("counts", torch.ones(num_classes), persistent=False)  # pixels of every class so far
        self._average: WeightAverage | None = None

    def configure_optimizers(self) -> Any:
        """The optimizer, with the rate that falls to zero at the last step."""
        optimizer = self.make_optimizer(self.network.parameters())
        total = int(self.trainer.estimated_stepping_batches)
        schedule = LambdaLR(optimizer, lambda step: warmup_cosine(step, total, self.warmup))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """Cross entropy of a batch `{image, labels}`.

        Raises:
            NonFiniteError: it is NaN or infinite.
        """
        images, labels = batch["image"], batch["labels"]
        if self.geometric is not None:
            images, labels = self.geometric(images, labels)
        if self.photometric is not None:
            images = self.photometric(images)
        x = self.preprocessing(images).contiguous(memory_format=torch.channels_last)
        supervised = getattr(self.network, "supervised", None)
        answers = (self.network(x),) if supervised is None else supervised(x)
        loss = self._cross_entropy(answers, labels)
        if not torch.isfinite(loss):
            raise NonFiniteError(f"the loss is {loss.item():g} in epoch {self.current_epoch + 1}, batch "
                                 f"{batch_idx + 1}: lower optimizer.lr, or take trainer.precision=32-true")
        self.log("loss/segmenter/cross_entropy", loss.detach(), prog_bar=True)
        return loss

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Log the cross entropy of real pictures as they are."""
        answers = (self.network(self.preprocessing(batch["image"])),)
        self.log("val/cross_entropy", self._cross_entropy(answers, batch["labels"]), batch_size=len(batch["labels"]),
                 sync_dist=True)

    def _cross_entropy(self, answers: Sequence[Tensor], labels: Tensor) -> Tensor:
        weight = None
        if self.balance:
            if self.training:
                self.counts += torch.bincount(labels.flatten(), minlength=self.num_classes)
            weight = (self.counts.mean() / self.counts) ** self.balance
        ignored = -100 if self.ignore is None else self.ignore
        losses = []
        for logits in answers:
            logits = F.interpolate(logits.float(), labels.shape[-2:], mode="bilinear", align_corners=False)
            losses.append(F.cross_entropy(logits, labels, weight, ignore_index=ignored))
        return losses[0] + self.auxiliary * sum(losses[1:])

    def on_train_start(self) -> None:
        """Start the average."""
        if self.ema is not None:
            self._average = WeightAverage(self.network, self.ema)

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Average."""
        if self._average is not None:
            self._average.update(self.network)

    def on_train_end(self) -> None:
        """Take the average in."""
        if self._average is not None:
            self._average.exchange(self.network)
