"""Figure 11 of the CLADE paper: one label map in many styles, drawn at random and taken from pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from semsynth.drawing import style_of
from semsynth.errors import ReportError
from semsynth.papers.results import Results, Section
from semsynth.papers.trained import Trained, draw_batch, find, open_run
from semsynth.pictures.grid import colour_labels, draw_grid, to_uint8
from semsynth.semantics.samples import SampleBatch
from semsynth.style import Style
from semsynth.synthesis.styles import draw_styles
from semsynth.weights.files import write_with

CELL = 128  # pixels of the shorter side below which pictures are enlarged


def in_styles(trained: Trained, batch: SampleBatch, styles: Style) -> Tensor:
    """Every label map of a batch of N in each of S styles: (N,S,3,H,W) in [-1,1]."""
    count = len(batch["labels"])
    columns = [draw_batch(trained, batch, styles[i:i + 1].spread(count)) for i in range(len(styles))]
    return torch.stack(columns, 1)


def spread_of_styles(images: Tensor) -> float:
    """Mean absolute difference of two styles of a label map, (N,S,3,H,W) in [-1,1], in percent of the range."""
    pairs = torch.combinations(torch.arange(images.shape[1]))
    return float((images[:, pairs[:, 0]] - images[:, pairs[:, 1]]).abs().mean()) * 50


def draw_random(trained: Trained, indices: Sequence[int], styles: int, seed: int = 0) -> tuple[Image.Image, float]:
    """Label maps as rows, random styles as columns, the same ones in each row; and `spread_of_styles`."""
    batch = trained.batch(indices)
    drawn = draw_styles(trained.generator, styles, seed)
    assert drawn is not None, "asked of networks with a style vector only"
    images = in_styles(trained, batch, drawn)
    rows = [[label, *(to_uint8(image.numpy()) for image in of_map)]
            for label, of_map in zip(_labels(trained, batch), images, strict=True)]
    return _grid(trained, batch, rows, [f"z {i}" for i in range(1, styles + 1)]), spread_of_styles(images)


def draw_references(trained: Trained, indices: Sequence[int], references: Sequence[int]) -> Image.Image:
    """Label maps as rows, pictures whose style is taken as columns; the pictures stand in the first row.

    Raises:
        ReportError: the run has no encoder.
    """
    if trained.encoder is None:
        raise ReportError(f"{trained.run.directory} has no style encoder: take one trained with encoder=style")
    batch, pictures = trained.batch(indices), trained.batch(references)["image"]
    with torch.inference_mode():
        images = in_styles(trained, batch, style_of(trained.encoder, pictures))
    labels = _labels(trained, batch)
    rows = [[np.full_like(labels[0], 255), *(to_uint8(picture.numpy()) for picture in pictures)]]
    rows += [[label, *(to_uint8(image.numpy()) for image in of_map)]
             for label, of_map in zip(labels, images, strict=True)]
    return _grid(trained, batch, rows, [f"picture {i}" for i in range(1, len(references) + 1)])


def _labels(trained: Trained, batch: SampleBatch) -> list[np.ndarray]:
    return [colour_labels(labels, trained.colours) for labels in batch["labels"].numpy()]


def _grid(trained: Trained, batch: SampleBatch, rows: list[list[np.ndarray]], titles: list[str]) -> Image.Image:
    legend = [(trained.classes[k], trained.colours[k]) for k in np.unique(batch["labels"].numpy())]
    return draw_grid(rows, ["label map", *titles], legend, CELL)


class Styles:
    """Draws label maps in random styles and in those of pictures of the validation split.

    Args:
        samples: Label maps.
        styles: Columns of each picture.
        setting: Whose networks; trained with a style encoder.
        seed: Of the random styles.
    """

    def __init__(self, samples: int = 4, styles: int = 6, setting: str = "clade", seed: int = 0) -> None:
        self.samples, self.styles, self.setting, self.seed = samples, styles, setting, seed

    def __call__(self, results: Results) -> list[Section]:
        """Two pictures.

        Raises:
            ReportError: no such training is done, it has no style vector, or data is not at hand.
        """
        trained = open_run(find(results, self.setting))
        if not trained.generator.styled:
            raise ReportError(f"{trained.run.directory} draws one picture of a label map: train with encoder=style")
        indices = trained.spread(self.samples + self.styles)
        maps, references = indices[:self.samples], indices[self.samples:]
        grid, difference = draw_random(trained, maps, self.styles, self.seed)
        drawn = write_with(results.picture("random"), lambda file: grid.save(file, "PNG"))
        taken_grid = draw_references(trained, maps, references)
        taken = write_with(results.picture("pictures"), lambda file: taken_grid.save(file, "PNG"))
        return [
            Section("Random styles", f"`{trained.run.directory}`. A column is one style vector from N(0, 1), seed "
                    f"{self.seed}. Two styles of a label map differ in the mean by {difference:.1f} % of a pixel's "
                    "range.", picture=drawn),
            Section("Styles of pictures", "A column takes its style from the picture at its head: the encoder's mean.",
                    picture=taken)]
