"""An exponential moving average of the networks that a run is used for."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from semsynth.semantics.samples import SampleBatch
from semsynth.training.seeding import OfTheWhole
from semsynth.training.system import System, TrainingLoader, system_of, training_loader


class WeightAverage:
    """Running average of a module's parameters, with the newest of its buffers.

    Args:
        module: The module whose weights the average starts from.
        decay: Weight of the past in [0, 1).
        warmup: Early on use (1 + n) / (10 + n) after n updates where that is smaller, to forget the initial weights.
    """

    def __init__(self, module: nn.Module, decay: float, warmup: bool = True) -> None:
        self.decay, self.warmup, self.updates = decay, warmup, 0
        self._trained: dict[str, Tensor] = {}  # the module's own values while the average is in it
        # half precision would round away what an update adds
        self.values = {name: value.detach().to(torch.promote_types(value.dtype, torch.float32), copy=True)
                       if value.is_floating_point() else value.detach().clone()
                       for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Average in the parameters, copy the buffers."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates)) if self.warmup else self.decay
        parameters = dict(module.named_parameters())
        averages = [self.values[name] for name in parameters]
        torch._foreach_lerp_(averages, [p.to(a.dtype) for p, a in zip(parameters.values(), averages, strict=True)],
                             1 - decay)
        by_dtype: dict[torch.dtype, list[tuple[Tensor, Tensor]]] = {}  # one launch each
        for name, value in module.named_buffers():
            if name in self.values:
                by_dtype.setdefault(value.dtype, []).append((self.values[name], value))
        for pairs in by_dtype.values():
            held, live = zip(*pairs, strict=True)
            torch._foreach_copy_(held, live)

    @torch.no_grad()
    def exchange(self, module: nn.Module) -> None:
        """Put the average into the module, in place; a second call puts the module's own values back.

        Buffers that were estimated anew in between stay with the average. Its parameters do not go through the module:
        in half precision that would round them each time.
        """
        parameters = dict(module.named_parameters())
        trained, self._trained = self._trained, {}
        for name, live in module.state_dict().items():
            held = self.values[name]
            if not trained:
                self._trained[name] = live.clone()
                live.copy_(held)
                continue
            if name not in parameters:
                held.copy_(live)
            live.copy_(trained[name])

    def to(self, device: torch.device) -> None:
        """Move to the module's device."""
        self.values = {name: value.to(device) for name, value in self.values.items()}


class EMA(pl.Callback):
    """Keep moving averages of the generator, the encoder and the segmenter in the loop, and validate with them.

    Parameters are averaged after every optimizer step and buffers copied. The averages live in the callback's state,
    so that checkpoints hold both them and the weights that are trained. They are swapped in for validation and out
    after it, also when it fails.

    Args:
        decay: Weight of the past in [0, 1); None: no averages.
        warmup: Shorten the memory early on, see `WeightAverage`.
        recalibrate_batches: Batches of training data, each spread over the set, from which the batch-norm statistics of
            the averaged generator are estimated anew before a validation, and before a checkpoint is written: wherever
            a run stops, its averages fit their statistics. 0: keep the copied ones, which belong to the weights that
            are trained and fit the averaged ones less well.

    Raises:
        ValueError: a decay outside [0, 1).
    """

    def __init__(self, decay: float | None = None, warmup: bool = True, recalibrate_batches: int = 0) -> None:
        if decay is not None and not 0 <= decay < 1:
            raise ValueError(f"the EMA's decay must be in [0, 1), got {decay}")
        self.decay, self.warmup, self.recalibrate_batches = decay, warmup, recalibrate_batches
        self._averages: dict[str, WeightAverage] = {}
        self._loaded: dict[str, Any] = {}  # the state of a checkpoint
        self._swapped = False
        self._estimated_at = -1  # updates of the averages whose statistics were estimated

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start from the current weights, or from the checkpoint's averages."""
        if self.decay is None:
            return
        for name, module in _networks(pl_module):
            average = WeightAverage(module, self.decay, self.warmup)
            if self._loaded:
                average.updates, average.values = self._loaded["updates"], self._loaded[name]
            average.to(pl_module.device)
            self._averages[name] = average
        self._loaded = {}

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: object, batch: object,
                           batch_idx: int) -> None:
        """Average after an optimizer step."""
        if system_of(pl_module).stepped:
            for name, average in self._averages.items():
                average.update(getattr(pl_module, name))

    def on_save_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule,
                           checkpoint: dict[str, Any]) -> None:
        """Estimate the statistics of the averages that are written, too, whenever that is."""
        if not self._averages or self._estimated_at == self._updates:
            return
        with _evaluating(pl_module):
            self._exchange(pl_module)
            try:
                self._recalibrate(trainer, pl_module)
            finally:
                self._exchange(pl_module)
        checkpoint["callbacks"][self.state_key] = self.state_dict()

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Swap the averages in, after `on_validation_start`, in which `Checkpoints` may write what is trained."""
        if not self._averages or self._swapped:
            return
        self._exchange(pl_module)
        self._recalibrate(trainer, pl_module)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Swap the trained weights back."""
        if self._swapped:
            self._exchange(pl_module)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Swap the trained weights back."""
        if self._swapped:
            self._exchange(pl_module)

    @property
    def _updates(self) -> int:
        return next(iter(self._averages.values())).updates

    def _exchange(self, pl_module: pl.LightningModule) -> None:
        for name, average in self._averages.items():
            average.exchange(getattr(pl_module, name))
        self._swapped = not self._swapped

    @torch.no_grad()
    def _recalibrate(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Estimate the statistics of the batch norms from training data, the same samples and styles every time."""
        system = system_of(pl_module)
        norms = [m for m in system.generator.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
        if not norms or not self.recalibrate_batches or self._estimated_at == self._updates:
            return
        self._estimated_at = self._updates
        plugin = trainer.precision_plugin
        momenta, before = [norm.momentum for norm in norms], system.normal
        for norm in norms:
            norm.reset_running_stats()
            norm.train()  # the rest stays in evaluation mode: spectral norms do not move
        try:
            with _own_chance(pl_module.device), plugin.val_step_context():
                _draw_the_same(trainer, system)
                batches = _spread_batches(training_loader(trainer), self.recalibrate_batches, trainer.global_rank,
                                          trainer.world_size)
                for count, batch in enumerate(batches, 1):
                    for norm in norms:
                        norm.momentum = 1 / count  # a plain mean over the batches
                    system.generate(trainer.strategy.batch_to_device(plugin.convert_input(batch)))
        finally:
            system.normal = before
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.momentum = momentum
                norm.eval()

    def state_dict(self) -> dict[str, object]:
        """Updates so far, and a state dict for each network."""
        if self._swapped:
            raise RuntimeError("a checkpoint cannot be written while the averages are swapped in")
        if not self._averages:
            return {}
        return {"updates": self._updates, **{name: average.values for name, average in self._averages.items()}}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the averages of a checkpoint until training starts."""
        self._loaded = state_dict


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """A module in evaluation mode, and each part of it as it was afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def _own_chance(device: torch.device) -> AbstractContextManager[None]:
    """A context whose draws leave the training's generators where they are."""
    return torch.random.fork_rng([device] if device.type == "cuda" else [])


def _networks(pl_module: pl.LightningModule) -> Iterable[tuple[str, nn.Module]]:
    networks = ((name, getattr(pl_module, name, None)) for name in ("generator", "encoder", "segmenter"))
    return [(n, m) for n, m in networks if m is not None and not getattr(m, "frozen", False)]


def _draw_the_same(trainer: pl.Trainer, system: System) -> None:
    """Let the styles of the samples be the same every time, and as one process would draw them for all samples."""
    torch.manual_seed(trainer.global_rank)
    if trainer.world_size > 1:
        system.normal = OfTheWhole(0, system.device, trainer.global_rank, trainer.world_size)


def _spread_batches(loader: TrainingLoader, count: int, rank: int, world: int) -> Iterator[SampleBatch]:
    """A process's samples of `count` batches of a loader's data set, made in this process.

    All of them lie evenly in the set, and so do those of each batch: where it is sorted, by town or by scene, a batch
    has the variance of the set and not that of a stretch of it.
    """
    size = min(loader.batch_size * world, len(loader.dataset))
    indices = np.linspace(0, len(loader.dataset) - 1, count * size).round().astype(int)
    for chunk in indices.reshape(size, count).T[:, rank::world]:
        yield loader.collate_fn([loader.dataset[int(index)] for index in chunk])
