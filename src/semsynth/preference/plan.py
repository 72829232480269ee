"""How a preference study is laid out; the papers' layouts are `conf/preset/*.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

METHODS = ("a", "b", "real")
TIMES = (30, 60_000)  # ms


@dataclass(frozen=True)
class Plan:
    """A layout of two-alternative forced choices.

    A page is what one rater does. Each holds `pairs` pictures of each comparison at each time, and the sentinels: the
    real picture against b's, where the answer is known.

    Args:
        question: Asked of every pair.
        comparisons: Pairs of methods, of `a`, `b` and `real`.
        pairs: Of each comparison at each time, on a page.
        pages: Whose pictures differ.
        raters: That have finished each page when the study ends; None: any number.
        show_map: Whether the label map stands beside the pictures.
        times: For which both pictures are seen, in ms; None: as long as the rater wishes.
        sentinels: On a page.
        sentinel_time: In ms; None: unlimited.
        pass_mark: Share of the sentinels that a rater must choose right, for the votes to count.

    Raises:
        ValueError: a value that makes no study; names it.
    """

    question: str
    comparisons: Sequence[Sequence[str]]
    pairs: int
    pages: int
    raters: int | None
    show_map: bool
    times: Sequence[int] | None
    sentinels: int
    sentinel_time: int | None
    pass_mark: float

    def __post_init__(self) -> None:
        for name, value, least in (("pairs", self.pairs, 1), ("pages", self.pages, 1), ("sentinels", self.sentinels, 0),
                                   ("raters", 1 if self.raters is None else self.raters, 1)):
            if value < least:
                raise ValueError(f"{name} must be a whole number from {least} on, got {value}")
        pairs = [tuple(pair) for pair in self.comparisons]
        if not pairs or not all(len(set(pair)) == len(pair) == 2 and set(pair) <= {*METHODS} for pair in pairs):
            raise ValueError(f"comparisons must be pairs of {', '.join(METHODS)}, as in [[a,b],[a,real]], got "
                             f"{[list(pair) for pair in pairs]}")
        if len({frozenset(pair) for pair in pairs}) < len(pairs):
            raise ValueError(f"comparisons must differ, got {[list(pair) for pair in pairs]}")
        for time in (*(self.times or ()), *([] if self.sentinel_time is None else [self.sentinel_time])):
            if not TIMES[0] <= time <= TIMES[1]:
                raise ValueError(f"times must be from {TIMES[0]} to {TIMES[1]} ms, got {time}")
        if self.times is not None and not 0 < len(self.times) == len({*self.times}):
            raise ValueError(f"times must be null or a list of times that differ, got {list(self.times)}")
        if not self.question.strip():
            raise ValueError("question must not be empty")
        if not 0 <= self.pass_mark <= 1:
            raise ValueError(f"pass_mark must be from 0 to 1, got {self.pass_mark}")

    @property
    def methods(self) -> tuple[str, ...]:
        """Whose pictures are needed, in the order of `METHODS`."""
        named = {name for pair in self.comparisons for name in pair} | ({"b", "real"} if self.sentinels else set())
        return tuple(name for name in METHODS if name in named)

    @property
    def pictures(self) -> int:
        """How many pictures a comparison takes."""
        return self.pairs * self.pages * len(self.times or (None,))

    @property
    def least(self) -> int:
        """How many pictures of each method there must be: a page's sentinels differ, too."""
        return max(self.pictures, self.sentinels)

    @property
    def trials(self) -> int:
        """Pairs on a page, with the sentinels."""
        return self.pairs * len(self.times or (None,)) * len(self.comparisons) + self.sentinels
