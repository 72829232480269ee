"""What a generator draws the features of instances from, where it has no photograph."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from semsynth.semantics import Semantics
from semsynth.semantics.regions import Regions
from semsynth.style import Style
from semsynth.training.training_styles import FromTrainingStyles, HoldsBuffers


@runtime_checkable
class FeatureClusters(HoldsBuffers, Protocol):
    """Clusters of features by class, see `semsynth.generators.feature_clusters`."""

    def fit(self, features: Tensor, classes: Tensor) -> None:
        """Set them from features (M,F) of instances of classes (M,)."""


class ClusterFeatures(FromTrainingStyles):
    """Before each validation, cluster the features that the encoder reads off the training images (arXiv:1711.11585).

    For generators with `clusters` and encoders of instances, see `FromTrainingStyles`.

    Args:
        least: Share of an image from which on an instance counts.
        pictures: At most so many, evenly spread over the training set; None: all, as published.
    """

    def __init__(self, least: float = 1 / 64, pictures: int | None = None) -> None:
        super().__init__(pictures)
        self.least = least

    def part_of(self, generator: Any) -> HoldsBuffers | None:
        """The clusters."""
        clusters = getattr(generator, "clusters", None)
        return clusters if isinstance(clusters, FeatureClusters) else None

    def read(self, style: Style, semantics: Semantics) -> list[Tensor]:
        """Features and classes of the instances that are large enough."""
        codes, regions = style.instances, Regions.of(semantics)
        assert codes is not None  # what such encoders say
        large = regions.sizes > self.least * semantics.labels[0].numel()
        return [codes[large].float(), regions.classes[large]]

    def fit(self, part: Any, kept: Iterable[list[Tensor]]) -> None:
        """Cluster them."""
        features, classes = (torch.cat(each) for each in zip(*kept, strict=True))
        part.fit(features, classes)
