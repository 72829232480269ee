"""Trained networks and their validation data, as the figures need them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import default_collate

from semsynth import runs
from semsynth.drawing import draw, style_of
from semsynth.errors import ReportError
from semsynth.papers.results import Results
from semsynth.reporting.collect import Run
from semsynth.semantics import Semantics
from semsynth.semantics.batch import semantics_from_batch
from semsynth.semantics.samples import SampleBatch
from semsynth.style import Style

NAMES = {"spade": "SPADE", "clade": "CLADE", "clade_icpe": "CLADE-ICPE", "unconditional": "no modulation"}
"""Settings as the figures call them."""


@dataclass(frozen=True)
class Trained:
    """The networks of a run in evaluation mode on the CPU, and its validation split.

    Attributes:
        run: The run.
        generator: Its generator, with averaged weights where it has them.
        encoder: Its style encoder, or None.
        split: Samples by index, as dictionaries.
    """

    run: Run
    generator: Any
    encoder: Any
    split: Any

    @property
    def classes(self) -> list[str]:
        """Names by label."""
        return [str(name) for name in self._facts["classes"]]

    @property
    def colours(self) -> list[list[int]]:
        """[red, green, blue], 0..255, by label."""
        return [list(colour) for colour in self._facts["colours"]]

    @property
    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = (self.run.config or {})["dataset"]
        return facts

    def labels_of(self, names: Sequence[str]) -> list[int]:
        """Labels of classes.

        Raises:
            ReportError: the data set has no class of such a name.
        """
        for name in names:
            if name not in self.classes:
                raise ReportError(f"{self.run.dataset} has no class {name} (it has {', '.join(self.classes)})")
        return [self.classes.index(name) for name in names]

    def spread(self, count: int) -> list[int]:
        """Indices of at most `count` samples, spread over the split."""
        count = min(count, len(self.split))
        return [i * len(self.split) // count for i in range(count)]

    def batch(self, indices: Sequence[int]) -> SampleBatch:
        """Samples as a batch."""
        found: SampleBatch = default_collate([self.split[i] for i in indices])
        return found

    def semantics(self, batch: SampleBatch) -> Semantics:
        """The label maps of a batch, prepared for the generator."""
        semantics = semantics_from_batch(batch, len(self.classes))
        return self.generator.prepare(semantics)

    def label_maps(self, count: int, size: int = 4) -> Iterator[Semantics]:
        """At most `count` label maps, spread over the split, prepared, in batches of `size`."""
        indices = self.spread(count)
        for start in range(0, len(indices), size):
            yield self.semantics(self.batch(indices[start:start + size]))


def find(results: Results, setting: str, dataset: str | None = None) -> Run:
    """The first training of a setting that has a checkpoint, by its seed.

    Args:
        results: What the study has trained.
        setting: First word of the run's name: `spade`, `clade`, `clade_icpe`.
        dataset: Name of the data set; None: any.

    Raises:
        ReportError: there is none.
    """
    fitting = [run for run in results.runs if run.has_checkpoint and run.name.split(",")[0] == setting
               and dataset in (None, run.dataset)]
    if not fitting:
        there = ", ".join(sorted({run.name for run in results.runs if run.has_checkpoint})) or "none"
        raise ReportError(f"no training of {setting}{f' on {dataset}' if dataset else ''} is done yet (done: {there})")
    return min(fitting, key=lambda run: run.seed)


def matched(found: Sequence[Run], first: str, second: str, drawn: bool = True) -> list[tuple[Run, Run]]:
    """Runs of two settings, pairs of equal seeds.

    Args:
        found: All runs.
        first: Name of a setting.
        second: Name of the other.
        drawn: Whether they must have checkpoints; what was logged while they trained stays without.

    Raises:
        ReportError: fewer than two seeds have both.
    """
    by_seed = {name: {run.seed: run for run in found if run.name == name and (run.has_checkpoint or not drawn)}
               for name in (first, second)}
    seeds = sorted(by_seed[first].keys() & by_seed[second].keys())
    if len(seeds) < 2:
        raise ReportError(f"{first} and {second} are compared over two or more seeds that both were trained with, got "
                          f"{len(seeds)} (of {len(found)} runs)")
    return [(by_seed[first][seed], by_seed[second][seed]) for seed in seeds]


def open_run(run: Run, checkpoint: str = "auto", weights: str = "auto") -> Trained:
    """Load a run: the best checkpoint where it kept one, as the scores beside the figures are taken of, else the last.

    Raises:
        ReportError: weights or data are not at hand.
    """
    try:
        trained = runs.Run(run.directory, checkpoint, weights)
        generator, encoder = trained.generator, trained.encoder
        split = runs.validation(run.config or {})
    except ValueError as error:
        raise ReportError(f"{run.directory} cannot be drawn with: {error}") from error
    return Trained(run, generator.requires_grad_(False), encoder, split)


@torch.inference_mode()
def draw_batch(trained: Trained, batch: SampleBatch, style: Style | None = None) -> torch.Tensor:
    """Images (N,3,H,W) in [-1,1] of a batch.

    Args:
        trained: The networks.
        batch: Samples.
        style: None: the encoder's mean for the photograph of each label map, or zeros without an encoder.
    """
    semantics = trained.semantics(batch)
    if style is None and trained.encoder is not None:
        style = style_of(trained.encoder, batch["image"], semantics)
    elif style is None:
        style = trained.generator.draw_style(len(semantics), semantics, torch.zeros)
    return draw(trained.generator, semantics, style)
