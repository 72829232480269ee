"""What a generator gives to classes that a style has no code of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from semsynth.semantics import Semantics
from semsynth.style import Style
from semsynth.training.training_styles import FromTrainingStyles, HoldsBuffers


@runtime_checkable
class CodeMoments(HoldsBuffers, Protocol):
    """Means and deviations of codes by class, see `semsynth.generators.class_codes`."""

    def fit(self, counts: Tensor, sums: Tensor, squares: Tensor) -> None:
        """Set them from sums (K,Z) of codes and of their squares in `counts` (K,) pictures."""


class AverageCodes(FromTrainingStyles):
    """Before each validation, average the codes of each class that the encoder reads off the training images.

    Every picture that holds a class counts once, however large the region (SEAN, arXiv:1911.12861, which averages over
    test images). For generators with `codes` and encoders of classes, see `FromTrainingStyles`.

    Args:
        pictures: At most so many, evenly spread over the training set; None: all.
    """

    def part_of(self, generator: Any) -> HoldsBuffers | None:
        """The codes."""
        codes = getattr(generator, "codes", None)
        return codes if isinstance(codes, CodeMoments) else None

    def read(self, style: Style, semantics: Semantics) -> list[Tensor]:
        """Pictures that hold each class, sums of codes and of their squares, in double precision."""
        if (codes := style.classes) is None:
            return []  # an encoder of something else
        codes = codes.cpu().double()
        return [codes.any(2).sum(0), codes.sum(0), codes.square().sum(0)]  # an absent class has zeros

    def fit(self, part: Any, kept: Iterable[list[Tensor]]) -> None:
        """Add up."""
        totals = [torch.stack(each).sum(0) for each in zip(*kept, strict=True)]
        if totals:
            part.fit(*totals)
