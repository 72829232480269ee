"""From a batch of the loaders to what the networks are conditioned on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from semsynth.semantics import Reading, Semantics
from semsynth.semantics.edges import instance_edges
from semsynth.semantics.packed import Packed
from semsynth.semantics.samples import SampleBatch


@dataclass(frozen=True)
class LabelPreparation:
    """What follows from the label maps of a batch, made where the batch is made: in the loader's workers.

    Plain data, which a worker can be sent. Label maps of another size than the networks' are left to whoever reads
    them.

    Args:
        num_classes: Label channels, an unknown class included.
        size: (H,W) of the label maps.
        readings: What the networks read of them.
        backward: Whether what only a backward pass reads is made as well, where gradients are enabled.
    """

    num_classes: int
    size: tuple[int, int]
    readings: Sequence[Reading]
    backward: bool = True

    def __call__(self, batch: SampleBatch) -> SampleBatch:
        """The batch, also one of known pairs in it, with `semantics` in place of everything that it is made from.

        Raises:
            ValueError: A label is out of range.
        """
        with torch.set_grad_enabled(self.backward and torch.is_grad_enabled()):
            semantics = semantics_from_batch(batch, self.num_classes)
            if semantics.size == self.size:
                semantics.prepare(self.readings)
            if not any("instances" in getattr(reading, "needs", ()) for reading in self.readings):
                semantics.instances = None  # edges are all that is read of it
            packed = Packed.of(semantics)
        made: SampleBatch = {"semantics": packed}
        if "image" in batch:
            made["image"] = batch["image"]
        if "name" in batch:
            made["name"] = batch["name"]
        if "image_name" in batch:
            made["image_name"] = batch["image_name"]
        if "paired" in batch:
            made["paired"] = self(batch["paired"])
        return made


@runtime_checkable
class PreparesLabels(Protocol):
    """Loaders that can prepare label maps."""

    def prepare_labels(self, preparation: LabelPreparation | None) -> None:
        """Have the workers of loaders that are built from now on prepare their label maps; None: no longer."""


def semantics_from_batch(batch: SampleBatch, num_classes: int) -> Semantics:
    """What a batch was prepared to; otherwise collect labels (N,H,W), edges (from `instances`, if any) and offsets.

    Edges are made here, on the device of the batch, after resizing and cropping. `num_classes` counts the label
    channels, an unknown class included.
    """
    if "semantics" in batch:
        return batch["semantics"].unpacked()
    instances = batch.get("instances")
    return Semantics(
        labels=batch["labels"],
        num_classes=num_classes,
        edges=None if instances is None else instance_edges(instances),
        offsets=batch.get("offsets"),
        instances=instances,
    )


def labels_from_batch(batch: SampleBatch) -> Tensor:
    """The label maps (N,H,W) of a batch, prepared or not."""
    return batch["semantics"].unpacked().labels if "semantics" in batch else batch["labels"]
