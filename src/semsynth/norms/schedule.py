"""Which norm stands in which block of a generator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from semsynth.norms.base import Norm

NormFactory = Callable[..., Norm]
"""Makes a norm from (channels, num_classes=...)."""


class Schedule(ABC):
    """Block index (from 1, in the order of the forward pass) -> norm factory.

    >>> from semsynth.norms.clade import CLADE
    >>> from semsynth.norms.spade import SPADE
    >>> class Alternating(Schedule):
    ...     def __call__(self, block):
    ...         return SPADE if block % 2 else CLADE
    >>> [Alternating()(block).__name__ for block in (1, 2, 3)]
    ['SPADE', 'CLADE', 'SPADE']
    """

    @abstractmethod
    def __call__(self, block: int) -> NormFactory:
        """The factory for one block."""


class Constant(Schedule):
    """The same norm in every block.

    >>> from semsynth.norms.clade import CLADE
    >>> {Constant(CLADE)(block).__name__ for block in range(1, 8)}
    {'CLADE'}
    """

    def __init__(self, norm: NormFactory) -> None:
        self.norm = norm

    def __call__(self, block: int) -> NormFactory:
        """The one factory."""
        return self.norm


class Mixed(Schedule):
    """`low` in the low-resolution blocks 1..transition, `high` after (arXiv:2012.04644, Table VI: S(1-k)+C(k+1-7)).

    A generator with 7 upsamplings has an eighth block: there `transition=8` is `low` throughout.

    >>> from semsynth.norms.clade import CLADE
    >>> from semsynth.norms.spade import SPADE
    >>> schedule = Mixed(low=SPADE, high=CLADE, transition=2)
    >>> [schedule(block).__name__ for block in (1, 2, 3, 7)]
    ['SPADE', 'SPADE', 'CLADE', 'CLADE']

    Raises:
        ValueError: `transition` is outside 0..8.
    """

    def __init__(self, low: NormFactory, high: NormFactory, transition: int = 4) -> None:
        if not 0 <= transition <= 8:
            raise ValueError(f"norm.transition must be 0..7 (blocks that take the low norm; 8 with an eighth "
                             f"block), got {transition}")
        self.low, self.high, self.transition = low, high, transition

    def __call__(self, block: int) -> NormFactory:
        """`low` up to the transition, `high` after."""
        return self.low if block <= self.transition else self.high


def as_schedule(norm: NormFactory | Schedule) -> Schedule:
    """A plain factory serves for all blocks."""
    return norm if isinstance(norm, Schedule) else Constant(norm)
