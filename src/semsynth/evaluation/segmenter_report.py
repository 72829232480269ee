"""How well a judge segments real pictures: scores, a table, a grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypedDict

import torch
from PIL import Image
from rich.console import Console
from rich.table import Table
from rich.text import Text

from semsynth.data.datamodule import DataModule
from semsynth.metrics.confusion import Confusion, SegmentationScores
from semsynth.pictures.grid import colour_labels, draw_grid, to_uint8
from semsynth.segmenters.judge import Judge
from semsynth.semantics.samples import Sample, SampleBatch
from semsynth.weights.files import write_with

SAMPLES = 12  # rows of the picture


class RealScores(TypedDict):
    """Scores on real pictures, as plain values; `iou` and `frequency` by class, None for one that never occurs."""

    miou: float
    accuracy: float
    iou: dict[str, float | None]
    frequency: dict[str, float | None]
    images: int


@torch.inference_mode()
def score_real(judge: Judge, batches: Iterable[SampleBatch], device: str | torch.device = "cpu"
               ) -> SegmentationScores:
    """Segment real pictures `{image, labels}` and compare with their labels; the ignored class does not count."""
    judge = judge.to(device)
    confusion = Confusion(judge.num_classes)
    for batch in batches:
        labels = batch["labels"]
        guess = judge.logits(batch["image"].to(device), labels.shape[-2:]).argmax(1).cpu()
        confusion.update(guess, labels if judge.ignore is None else labels.masked_fill(labels == judge.ignore, -1))
    return confusion.compute()


def report(judge: Judge, data: DataModule, colours: Sequence[Sequence[int]], picture: Path, title: str,
           device: str | torch.device) -> RealScores:
    """Score a judge on a validation split, show the scores and draw some of its pictures; return the scores.

    Args:
        judge: The judge, as it was written.
        data: With the validation split.
        colours: [red, green, blue] of each class.
        picture: File of the grid.
        title: Of the table.
        device: Where the judge runs.
    """
    real = data.val_set
    scores = plain(score_real(judge, data.val_dataloader(), device), judge.classes, len(real))
    Console().print(table(scores, title))
    count = min(SAMPLES, len(real))
    drawn = grid(judge, (real[i * len(real) // count] for i in range(count)), colours)
    write_with(picture, lambda file: drawn.save(file, "PNG"))
    return scores


def plain(scores: SegmentationScores, classes: Sequence[str], images: int) -> RealScores:
    """Scores as plain values, rounded to a hundredth of a percent; classes that never occur are null."""
    def rounded(values: torch.Tensor) -> dict[str, float | None]:
        return {name: None if v != v else round(v, 4) for name, v in zip(classes, values.tolist(), strict=True)}

    return {"miou": round(scores.miou, 4), "accuracy": round(scores.accuracy, 4), "iou": rounded(scores.iou),
            "frequency": rounded(scores.frequency), "images": images}


def table(scores: RealScores, title: str) -> Table:
    """IoU and frequency of every class, rarest last."""
    shown = Table(title=f"{title}: mIoU {scores['miou']:.1%}, accuracy {scores['accuracy']:.1%}, "
                        f"{scores['images']} images")
    shown.add_column("class")
    shown.add_column("IoU", justify="right")
    shown.add_column("share of pixels", justify="right")
    for name, share in sorted(scores["frequency"].items(), key=lambda item: -(item[1] or 0.0)):
        iou = scores["iou"][name]
        shown.add_row(Text(name), "-" if iou is None else f"{iou:.1%}", f"{share:.2%}")
    return shown


@torch.inference_mode()
def grid(judge: Judge, samples: Iterable[Sample], colours: Sequence[Sequence[int]]) -> Image.Image:
    """Rows of image | labels | prediction of single samples."""
    rows = []
    device = next(judge.parameters()).device
    for sample in samples:
        guess = judge.logits(sample["image"][None].to(device)).argmax(1)[0].cpu().numpy()
        rows.append([to_uint8(sample["image"].numpy()), colour_labels(sample["labels"].numpy(), colours),
                     colour_labels(guess, colours)])
    return draw_grid(rows, ("image", "labels", "prediction"), list(zip(judge.classes, colours, strict=True)))
