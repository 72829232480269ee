"""Parts of a generator that follow from the styles of the training images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, runtime_checkable

import pytorch_lightning as pl
import torch
from torch import Tensor

from semsynth.semantics import Semantics
from semsynth.semantics.batch import semantics_from_batch
from semsynth.sharing import batches, mine, shared
from semsynth.style import Style
from semsynth.training.system import system_of, training_loader


@runtime_checkable
class HoldsBuffers(Protocol):
    """A part of a network that is set, not trained."""

    def state_dict(self) -> dict[str, Tensor]:
        """What it holds."""

    def load_state_dict(self, state_dict: dict[str, Tensor]) -> object:
        """Set it."""


class FromTrainingStyles(pl.Callback, ABC):
    """Before each validation, set a part of the generator from the styles that the encoder reads off training images.

    For generators that have it; others are left alone. It stands behind the moving average, whose networks then say
    the styles; the trained ones take the part over. Several processes share the images.

    Args:
        pictures: At most so many, evenly spread over the training set; None: all.
    """

    def __init__(self, pictures: int | None = None) -> None:
        self.pictures = pictures
        self._found: dict[str, Tensor] = {}

    @abstractmethod
    def part_of(self, generator: Any) -> HoldsBuffers | None:
        """The part; None for other generators."""

    @abstractmethod
    def read(self, style: Style, semantics: Semantics) -> list[Tensor]:
        """What is kept of the styles of a batch, beside its label maps at full size; of every batch as many tensors."""

    @abstractmethod
    def fit(self, part: Any, kept: Iterable[list[Tensor]]) -> None:
        """Set the part from what was kept of all batches, on the CPU; of other encoders lists are empty."""

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Set it."""
        part = self.part_of(getattr(pl_module, "generator", None))
        if (part is None or getattr(pl_module, "encoder", None) is None or trainer.sanity_checking
                or trainer.train_dataloader is None):
            return
        with torch.no_grad():
            self.fit(part, self._kept(trainer, system_of(pl_module)))
        self._found = {name: value.clone() for name, value in part.state_dict().items()}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Give it to the trained generator as well."""
        part = self.part_of(pl_module.generator) if self._found else None
        if part is not None:
            part.load_state_dict(self._found)
            self._found = {}

    def _kept(self, trainer: pl.Trainer, system: Any) -> Iterator[list[Tensor]]:
        """Of all batches in their order, whichever process has read them."""
        loader, plugin = training_loader(trainer), trainer.precision_plugin
        length = len(loader.dataset)
        count = length if self.pictures is None else min(length, self.pictures)
        indices = torch.linspace(0, length - 1, count).round().int().tolist()
        pieces = [[indices[k] for k in piece] for piece in batches(count, loader.batch_size)]

        def work(piece: list[int]) -> list[Tensor]:
            made = loader.collate_fn([loader.dataset[k] for k in piece])
            batch = trainer.strategy.batch_to_device(plugin.convert_input(made))
            semantics = semantics_from_batch(batch, system.num_classes)
            return [x.cpu() for x in self.read(system.encoder.encode(batch["image"], semantics), semantics)]

        return shared(mine(pieces), work, len(pieces), type(self).__name__)
