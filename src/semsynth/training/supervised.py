"""Training one network on known answers: what segmenters and regressors have in common."""

import logging
import math
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from semsynth.errors import TrainingStopped
from semsynth.modulation.shared import share_statistics
from semsynth.semantics.samples import SampleBatch
from semsynth.training.ema import WeightAverage
from semsynth.training.finite_checks import out_of_memory
from semsynth.training.observed import Observed

MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]


def warmup_cosine(step: int, total: int, warmup: float) -> float:
    """Factor on the rate at a step (from 0) of `total`: a line up over the share `warmup`, then half a cosine."""
    rise = max(1, round(total * warmup))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rise) / max(1, total - rise))))


class SupervisedSystem(Observed, ABC):
    """One network, one optimizer, one loss that `loss` computes, and a warmed-up cosine rate.

    Args:
        network: The network; kept in channels-last memory, which is a fifth faster on a CPU, more with bfloat16.
        optimizer: Parameters -> optimizer.
        warmup: Share of the steps in which the rate rises.
        ema: Decay of a moving average of the weights that replaces them at the end; null: none.

    Raises:
        ValueError: warmup outside [0,1], or a decay outside [0,1).
    """

    remedy = "Lower optimizer.lr, or take trainer.precision=32-true."
    term: str  # names the loss: loss/PART/TERM

    def __init__(self, network: nn.Module, optimizer: MakeOptimizer, *, warmup: float = 0.1,
                 ema: float | None = None) -> None:
        super().__init__()
        if not 0 <= warmup <= 1:
            raise ValueError(f"warmup must be in [0,1], got {warmup}")
        if ema is not None and not 0 <= ema < 1:
            raise ValueError(f"ema must be in [0,1), got {ema}")
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.make_optimizer, self.warmup, self.ema = optimizer, warmup, ema
        self._average: WeightAverage | None = None
        self._averaged = 0  # optimizer steps that the average has seen

    @abstractmethod
    def loss(self, batch: SampleBatch) -> Tensor:
        """The loss of a batch; `self.training` says whether images may be changed first."""

    def setup(self, stage: str) -> None:
        """Batch norms over the samples of all devices."""
        if self.trainer.world_size > 1:
            share_statistics(self)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The optimizer, with the rate that falls to zero at the last step."""
        optimizer = self.make_optimizer(self.network.parameters())
        total = int(self.trainer.estimated_stepping_batches)
        schedule = LambdaLR(optimizer, lambda step: warmup_cosine(step, total, self.warmup))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def training_step(self, batch: SampleBatch, batch_idx: int) -> Tensor:
        """The loss, which must be finite."""
        loss = self.loss(batch)
        named = {f"loss/{self.term}": loss.detach()}
        self.watch(named, batch_idx)
        self.measured({name: [value] for name, value in named.items()})
        return loss

    def validation_step(self, batch: SampleBatch, batch_idx: int) -> None:
        """Log the loss of pictures as they are."""
        self.log(f"val/{self.term}", self.loss(batch), batch_size=len(batch["image"]), sync_dist=True)

    def on_train_start(self) -> None:
        """Start the average."""
        if self.ema is not None:
            self._average = WeightAverage(self.network, self.ema)

    def on_train_batch_end(self, outputs: object, batch: object, batch_idx: int) -> None:
        """Average after an optimizer step."""
        if self._average is not None and self.trainer.global_step > self._averaged:
            self._average.update(self.network)
            self._averaged = self.trainer.global_step
        super().on_train_batch_end(outputs, batch, batch_idx)

    def on_train_end(self) -> None:
        """Take the average in."""
        super().on_train_end()
        if self._average is not None:
            self._average.exchange(self.network)


def fit(trainer: pl.Trainer, system: SupervisedSystem, data: pl.LightningDataModule) -> float:
    """Train from the beginning; return the seconds it took.

    Raises:
        TrainingStopped: a loss is not finite, or memory ran out.
        DataError: as the loaders.
    """
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    began = time.monotonic()
    try:
        with warnings.catch_warnings():
            # Lightning 2.6 causes this one in itself with current PyTorch.
            warnings.filterwarnings("ignore", message=r".*LeafSpec.*", category=FutureWarning)
            trainer.fit(system, datamodule=data)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise TrainingStopped("out of memory: take a smaller batch or size, or trainer.precision=bf16-mixed") from error
    return time.monotonic() - began
