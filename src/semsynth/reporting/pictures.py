"""The same label maps drawn by several runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import default_collate

from semsynth import runs
from semsynth.drawing import draw, style_of
from semsynth.errors import ReportError
from semsynth.pictures.grid import colour_labels, draw_grid, to_uint8
from semsynth.reporting.collect import Run
from semsynth.reporting.groups import Group
from semsynth.reporting.setting import Config
from semsynth.semantics.batch import semantics_from_batch
from semsynth.weights.files import write_with

Validation = Callable[[Config], Any]  # the validation split of a configuration: samples by index
LEGEND = 40  # classes, above which a legend would not be readable
CELL = 128  # pixels of the shorter side of a cell below which images are enlarged: a title fits


def drawable(groups: Iterable[Group]) -> list[tuple[str, Run]]:
    """The first run of each group that has a checkpoint, by the group's name."""
    return [(group.name, run) for group in groups if (run := next((r for r in group.runs if r.has_checkpoint), None))]


@torch.inference_mode()
def draw_run(run: Run, validation: Validation, samples: int, *, checkpoint: str = "auto", weights: str = "auto",
             device: str | torch.device = "cpu", seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw label maps, spread over the validation split, with a run.

    The style is the encoder's mean for the label map's photograph; without an encoder it is drawn from the seed.

    Returns:
        labels (N,H,W) int64, real and generated images (N,3,H,W) in [-1,1] float32.
    """
    trained = runs.Run(run.directory, checkpoint, weights)
    generator, encoder = trained.generator, trained.encoder
    split = validation(run.config or {})
    count = min(samples, len(split))
    batch = default_collate([split[index * len(split) // count] for index in range(count)])
    semantics = semantics_from_batch(batch, trained.config.dataset.num_classes).to(device)
    real = batch["image"].to(device)
    if encoder is not None:
        style = style_of(encoder.to(device), real, semantics)
    else:
        normal = partial(torch.randn, generator=torch.Generator().manual_seed(seed))
        style = generator.draw_style(len(semantics), semantics, normal)
    fake = draw(generator.to(device), semantics, style)
    return batch["labels"].numpy(), batch["image"].numpy(), fake.cpu().numpy()


def draw_comparison(columns: Sequence[tuple[str, Run]], validation: Validation, path: Path, samples: int = 8,
                    progress: Callable[[Sequence[Any]], Iterable[Any]] = iter, **how: Any) -> Path:
    """Write a grid: label map, real image, then a column for each run.

    Args:
        columns: titles and runs of one data set and size.
        validation: builds the validation split of a run's configuration.
        path: the PNG file.
        samples: rows.
        progress: wraps the runs while they are drawn.
        how: `checkpoint`, `weights`, `device` and `seed` of `draw_run`.

    Raises:
        ReportError: the runs' validation splits hold different label maps.
    """
    first: tuple[np.ndarray, np.ndarray] | None = None
    cells: list[list[np.ndarray]] = []
    for _, run in progress(columns):
        labels, real, fake = draw_run(run, validation, samples, **how)
        if first is None:
            first = labels, real
        elif not np.array_equal(first[0], labels):
            raise ReportError(f"{run.directory} and {columns[0][1].directory} do not validate on the same label maps: "
                              f"compare them in reports of their own")
        cells.append([to_uint8(image) for image in fake])
    if first is None:
        raise ReportError("there is no run with a checkpoint to draw")
    facts = (columns[0][1].config or {})["dataset"]
    labels, real = first
    rows = [[colour_labels(labels[i], facts["colours"]), to_uint8(real[i]), *(column[i] for column in cells)]
            for i in range(len(labels))]
    legend = [(facts["classes"][k], facts["colours"][k]) for k in np.unique(labels)]
    grid = draw_grid(rows, ["label map", "real", *(name for name, _ in columns)],
                     legend if len(legend) <= LEGEND else (), CELL)
    return write_with(path, lambda file: grid.save(file, "PNG"))
