"""What a rater sees: which pairs, in which order, which picture on which side; all of it from the study's seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from semsynth.chance import stream
from semsynth.preference.study import Study

SIDES = ("left", "right")


@dataclass(frozen=True)
class Trial:
    """A pair as a rater sees it.

    Attributes:
        item: Its number in the study.
        left: Which of the item's two methods is on the left, 0 or 1.
    """

    item: int
    left: int

    def method(self, side: str) -> int:
        """Which of the item's two methods is on a side."""
        return self.left if side == "left" else 1 - self.left


def trials(study: Study, number: int, page: int) -> list[Trial]:
    """The pairs of a rater: those of the page in an order of his own, with sides of which half are turned.

    Args:
        study: The study.
        number: The rater's, from 0 on.
        page: The rater's page.
    """
    items = stream("order of the pairs of a preference study", study.seed, number).permutation(study.on_page(page))
    sides = np.arange(len(items)) % 2
    turned = stream("sides of the pictures of a preference study", study.seed, number).permutation(sides)
    return [Trial(int(item), int(left)) for item, left in zip(items, turned, strict=True)]
