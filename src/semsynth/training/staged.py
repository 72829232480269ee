"""Training in two stages: what is new of a generator alone, then all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, cast, runtime_checkable

import torch
from torch import nn

from semsynth.interfaces import Discriminator, Generator, StyleEncoder
from semsynth.training.paired import PairedSystem


@runtime_checkable
class Staged(Protocol):
    """A generator with a part that another training has trained before.

    Attributes:
        trained_before: That part.
    """

    trained_before: nn.Module


class StagedSystem(PairedSystem):
    """As `PairedSystem`, but in the first epochs the part that was trained before stays as it is (arXiv:1711.11585).

    With the epoch in which it begins to move, the generator's optimizer starts anew, as released: all its moments are
    forgotten. Take the part's weights from its own training with `init_from`.

    Args:
        fixed_epochs: The first epochs, in which the part is left alone.

    The others are those of `PairedSystem`.

    Raises:
        ValueError: the generator has no such part.
    """

    def __init__(self, generator: Generator, discriminator: Discriminator, encoder: StyleEncoder | None,
                 losses: Mapping[str, Mapping[str, nn.Module]],
                 optimizers: Mapping[str, Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]], *,
                 num_classes: int, epochs: int, decay_epochs: int = 0, accumulate: int = 1,
                 regenerate_fake: bool = True, compile: bool = False, fixed_epochs: int = 10) -> None:
        super().__init__(generator, discriminator, encoder, losses, optimizers, num_classes=num_classes, epochs=epochs,
                         decay_epochs=decay_epochs, accumulate=accumulate, regenerate_fake=regenerate_fake,
                         compile=compile)
        if fixed_epochs < 0:
            raise ValueError(f"system.fixed_epochs must be 0 or more, got {fixed_epochs}")
        if not isinstance(self.generator, Staged):
            raise ValueError(f"{type(self.generator).__name__} has no part that is trained before: take system=paired, "
                             "or generator=pix2pixhd_local")
        self.fixed_epochs = fixed_epochs

    def on_train_start(self) -> None:
        """Hold or free the part, also where a run is resumed in the middle of an epoch."""
        super().on_train_start()
        self._hold()

    def on_train_epoch_start(self) -> None:
        """Hold the part, or free it and forget the optimizer's moments."""
        super().on_train_epoch_start()
        self._hold()

    def _hold(self) -> None:
        part = cast(Staged, self.generator).trained_before
        fixed = self.current_epoch < self.fixed_epochs
        part.requires_grad_(not fixed)
        state = self.both_optimizers()[0].state
        if not fixed and not any(p in state for p in part.parameters()):  # nor has it been freed before
            state.clear()
