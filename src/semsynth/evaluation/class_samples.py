"""Samples of a label map that differ in the style of one class alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from semsynth.drawing import draw
from semsynth.evaluation.sampler import Sampler
from semsynth.semantics.batch import semantics_from_batch
from semsynth.semantics.samples import SampleBatch
from semsynth.synthesis.regional import with_class


def has_parts(sampler: Sampler, batch: SampleBatch) -> bool:
    """Whether the style of one class of a picture can be drawn anew, as the label maps of a batch tell."""
    semantics = semantics_from_batch(batch, sampler.num_classes).to(sampler.device)
    style = sampler.generator.draw_style(len(semantics), semantics)
    return style is not None and with_class(style, style, 0, semantics) is not None


@torch.no_grad()
def class_samples(sampler: Sampler, batch: SampleBatch, positions: Tensor, count: int
                  ) -> Iterator[tuple[Tensor, Tensor]]:
    """For every class in a batch, `count` images of each label map that shows it, which differ in its style.

    All else of a picture's style is the same for all of its classes.

    Yields:
        Images (count,M,3,H,W) in [-1,1], and the pixels (M,H,W) bool of the class.
    """
    for label in batch["labels"].unique().tolist():
        rows = (batch["labels"] == label).flatten(1).any(1)
        part: Any = {key: value[rows] for key, value in batch.items() if isinstance(value, Tensor)}
        semantics = semantics_from_batch(part, sampler.num_classes).to(sampler.device)
        styles = [sampler.generator.draw_style(len(semantics), semantics, sampler.normal(positions[rows], 1 + sample))
                  for sample in range(count)]
        base = styles[0]
        changed = [with_class(base, other, label, semantics)
                   for other in styles if base is not None and other is not None]
        yield (torch.stack([draw(sampler.generator, semantics, style) for style in changed]),
               part["labels"] == label)
