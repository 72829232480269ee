"""What networks find in a batch of generated images: all that scores are made of, small enough to be handed around."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from semsynth.metrics.confusion import Confusion


@dataclass(frozen=True)
class Measured:
    """Of N images, on the CPU; made by `Evaluator.measure`, taken by `Evaluator.add`.

    Attributes:
        positions: (N,) int64, of the samples in the order of the set.
        fake: Feature vectors (N,F) of the images, by the network's name.
        real: Those of the photographs, of networks whose statistics of the validation split they shall make.
        confusion: Of the judge's answers with the label maps; None: there is no judge.
        styles: (N,3,3), see `StyleRecovery.read`; None: no styles are read.
        paired: Rows of every paired score, see `PairedScore.measure`; none where there are no photographs.
    """

    positions: Tensor
    fake: dict[str, Tensor]
    real: dict[str, Tensor]
    confusion: Confusion | None
    styles: Tensor | None
    paired: list[Tensor] = field(default_factory=list)
