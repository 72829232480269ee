"""What is to be reached on a GPU, beside what was."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import drawing
import stepping

if TYPE_CHECKING:
    from real import Watch

AIMS = {  # SPADE, CLADE; None: none
    "drawing a new map, bf16, over released compiled bf16, times": (2.5, 1.3),
    "one map at a time, over released fp32, times": (2.0, 2.0),
    "iteration, bf16, published order, over released compiled bf16, times": (1.5, 1.3),
    "iteration, drawn once, bf16, ms": (90, 60),
    "host waits in an iteration": (1, 1),
    "copies to the device for a batch": (3, 3),
    "`make train`, batches/s": (None, 45),
}
AT_MOST = ("iteration, drawn", "host", "copies")  # the others are "at least"


@dataclass
class Measured:
    """Milliseconds by name: of drawing by (norm, batch), of training by norm; batches a second of commands."""

    drawing: dict[tuple[str, int], dict[str, float]] = field(default_factory=dict)
    training: dict[str, dict[str, float]] = field(default_factory=dict)
    configured: dict[tuple[str, bool], Watch] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)

    def of(self, norm: str) -> list[float | None]:
        """What stands beside the aims, in their order; None where it was not measured."""
        counts = sorted(count for name, count in self.drawing if name == norm)
        batch = self.drawing.get((norm, counts[-1]), {}) if counts else {}
        single, trained = self.drawing.get((norm, 1), {}), self.training.get(norm, {})
        watch = self.configured.get((norm, True))
        return [_ratio(batch.get(drawing.PEER), _least(batch, drawing.NEW)),
                _ratio(single.get(drawing.RELEASED), _least(single, drawing.NEW)),
                _ratio(trained.get(stepping.PEER), _least(trained, stepping.PUBLISHED)),
                _least(trained, stepping.ONCE),
                watch and watch.seen.waits, watch and watch.seen.to_device,
                max((v for k, v in self.rates.items() if k.startswith("make train")), default=None)]


def targets(measured: Measured) -> list[str]:
    """A Markdown table."""
    reached = {norm: measured.of(norm) for norm in ("SPADE", "CLADE")}
    lines = ["| | SPADE: aim | reached | CLADE: aim | reached |", "|---|---|---|---|---|"]
    for index, (name, aims) in enumerate(AIMS.items()):
        cells = []
        for aim, found in zip(aims, (reached[norm][index] for norm in reached), strict=True):
            sign = "<=" if name.startswith(AT_MOST) else ">="
            reading = "not measured" if found is None else f"{found:.3g}"
            cells += ["", ""] if aim is None else [f"{sign} {aim:g}", reading]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _least(times: dict[str, float], names: tuple[str, ...]) -> float | None:
    return min((times[name] for name in names if name in times), default=None)


def _ratio(theirs: float | None, ours: float | None) -> float | None:
    return None if theirs is None or ours is None else theirs / ours
