"""What an evaluation finds."""

from __future__ import annotations

from dataclasses import dataclass, field

from semsynth.evaluation.segmenter_scores import ByProduct


@dataclass
class Scores:
    """What an evaluation found.

    Attributes:
        scores: By key: fid/val, kid/val, frechet/NAME, kid/NAME, precision/NAME, miou, accuracy, diversity/NAME ...
        iou: IoU by class; None for a class that occurs nowhere.
        frequency: Share of the counted label pixels by class.
        regressor_r2: R^2 of the style regressor on the real images, by variable.
        count: Generated images.
        skipped: Keys that have no score, with the reason.
        rare: The classes of `miou_rare`: the third with the fewest label pixels, the rarest first.
        segmenter: Of a run with a segmenter in the loop, see `semsynth.evaluation.segmenter_scores.ByProduct`.
    """

    scores: dict[str, float]
    iou: dict[str, float | None] = field(default_factory=dict)
    frequency: dict[str, float] = field(default_factory=dict)
    regressor_r2: dict[str, float] = field(default_factory=dict)
    count: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    rare: list[str] = field(default_factory=list)
    segmenter: ByProduct | None = None
