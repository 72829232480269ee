"""From a batch of the loaders to what the networks are conditioned on."""

from typing import Any

from semsynth.data.edges import instance_edges
from semsynth.semantics import Semantics


def semantics_from_batch(batch: dict[str, Any], num_classes: int) -> Semantics:
    """Collect labels (N,H,W), edges (from `instances`, if any) and offsets (if any) of a batch.

    Edges are made here, on the device of the batch, after resizing and cropping. `num_classes` counts the label
    channels, an unknown class included.
    """
    instances = batch.get("instances")
    return Semantics(
        labels=batch["labels"],
        num_classes=num_classes,
        edges=None if instances is None else instance_edges(instances),
        offsets=batch.get("offsets"),
    )
