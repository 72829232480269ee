"""What a generator draws the features of instances from, where it has no photograph."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import pytorch_lightning as pl
import torch
from torch import Tensor

from semsynth.semantics.batch import semantics_from_batch
from semsynth.semantics.regions import Regions
from semsynth.training.system import system_of, training_loader


@runtime_checkable
class FeatureClusters(Protocol):
    """Clusters of features by class, see `semsynth.generators.feature_clusters`."""

    def fit(self, features: Tensor, classes: Tensor) -> None:
        """Set them from features (M,F) of instances of classes (M,)."""

    def state_dict(self) -> dict[str, Tensor]:
        """Them."""

    def load_state_dict(self, state_dict: dict[str, Tensor]) -> object:
        """Set them."""


class ClusterFeatures(pl.Callback):
    """Before each validation, cluster the features that the encoder reads off the training images (arXiv:1711.11585).

    For generators with `clusters` and encoders of instances; others are left alone. It stands behind the moving
    average, whose networks then say the features; the trained ones take the clusters over.

    Args:
        least: Share of an image from which on an instance counts.
        pictures: At most so many, evenly spread over the training set; None: all, as published.
    """

    def __init__(self, least: float = 1 / 64, pictures: int | None = None) -> None:
        self.least, self.pictures = least, pictures
        self._found: dict[str, Tensor] = {}

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Cluster."""
        clusters = getattr(getattr(pl_module, "generator", None), "clusters", None)
        if not isinstance(clusters, FeatureClusters) or trainer.sanity_checking or trainer.train_dataloader is None:
            return
        clusters.fit(*self._features(trainer, system_of(pl_module)))
        self._found = {name: value.clone() for name, value in clusters.state_dict().items()}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Give them to the trained generator as well."""
        if self._found:
            pl_module.generator.clusters.load_state_dict(self._found)  # type: ignore[union-attr]
            self._found = {}

    @torch.no_grad()
    def _features(self, trainer: pl.Trainer, system: Any) -> tuple[Tensor, Tensor]:
        """Features (M,F) and classes (M,) of the instances of the training set that are large enough."""
        loader, plugin = training_loader(trainer), trainer.precision_plugin
        length = len(loader.dataset)
        count = length if self.pictures is None else min(length, self.pictures)
        indices = torch.linspace(0, length - 1, count).round().int().tolist()
        features, classes = [], []
        for start in range(0, count, loader.batch_size):
            made = loader.collate_fn([loader.dataset[k] for k in indices[start:start + loader.batch_size]])
            batch = trainer.strategy.batch_to_device(plugin.convert_input(made))
            semantics = semantics_from_batch(batch, system.num_classes)
            codes = system.encoder.encode(batch["image"], semantics).instances
            regions = Regions.of(semantics)
            kept = regions.sizes > self.least * semantics.labels[0].numel()
            features.append(codes[kept].float())
            classes.append(regions.classes[kept])
        return torch.cat(features), torch.cat(classes)
