"""What is measured between a generated image and the photograph of its label map, in whose style it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor


class PairedScore(Protocol):
    """Scores of pairs; a class for each kind.

    Attributes:
        kind: Beginning of the scores' keys.
    """

    kind: str

    def measure(self, generated: Tensor, real: Tensor, known: Mapping[str, Tensor]) -> Tensor:
        """What is measured in a batch, on the CPU: a row for each image, or for each part of one.

        Args:
            generated: (N,3,H,W) in [-1,1].
            real: The photographs, likewise.
            known: What else the data set knows of the samples, by name.
        """

    def compute(self, rows: Tensor) -> dict[str, float]:
        """The scores of all rows, by their keys without the kind."""


class Rows:
    """What a paired score has measured so far.

    >>> from semsynth.metrics.reconstruction import Reconstruction
    >>> rows, images = Rows(Reconstruction()), torch.zeros(2, 3, 8, 8)
    >>> rows.add(rows.score.measure(images, images, {}))
    >>> rows.compute()["reconstruction/rmse"]
    0.0

    Args:
        score: The score.
    """

    def __init__(self, score: PairedScore) -> None:
        self.score = score
        self.reset()

    def reset(self) -> None:
        """Forget all."""
        self._rows: list[Tensor] = []

    def add(self, rows: Tensor) -> None:
        """Add what `PairedScore.measure` has found."""
        self._rows.append(rows)

    def compute(self) -> dict[str, float]:
        """The scores by key; none where nothing was added."""
        if not self._rows:
            return {}
        return {f"{self.score.kind}/{name}": value for name, value in self.score.compute(torch.cat(self._rows)).items()}
