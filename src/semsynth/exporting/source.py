"""What is exported: the networks of a run with what is known about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

import semsynth
from semsynth.synthesis.condition import Condition
from semsynth.weights.run_file import Weights


@dataclass(frozen=True)
class Source:
    """A run whose networks are exported.

    Args:
        run: its directory.
        config: its configuration, as plain values.
        saved: the weights of the checkpoint.
        weights: ``raw`` or ``ema``, which of them are taken.
        generator: rebuilt from them, in evaluation mode.
        encoder: the same, None without one.
        segmenter: that of an unpaired run (`segmenters.loop.LoopSegmenter`), None without one, or where it is not
            exported.
    """

    run: Path
    config: Mapping[str, Any]
    saved: Weights
    weights: str
    generator: Any
    encoder: nn.Module | None
    segmenter: Any = None

    @property
    def condition(self) -> Condition:
        """What the networks read."""
        return Condition.of(self.config)

    def origin(self) -> dict[str, Any]:
        """Where the weights come from, to be kept with them."""
        return {"run": self.run.resolve().name, "checkpoint": self.saved.path.name, "epoch": self.saved.epoch,
                "weights": self.weights, "semsynth": semsynth.__version__}
