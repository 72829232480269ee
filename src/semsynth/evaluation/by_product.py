"""The segmenter that an unpaired training leaves: how well it segments photographs, and whether it swaps classes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from semsynth.evaluation.confusion import Confusion, class_iou, rare_iou
from semsynth.evaluation.maps import collate
from semsynth.evaluation.painter import Painter
from semsynth.evaluation.protocol import Protocol
from semsynth.evaluation.statistics import Progress

PICTURE = Path("plots") / "segmenter_confusion.png"
NAMED = 60  # classes up to which the picture names them


@dataclass
class ByProduct:
    """What was found.

    Attributes:
        scores: `segmenter/miou`, `segmenter/accuracy` and `segmenter/miou_rare` on real images, and `agreement/miou`
            and `agreement/accuracy` of its answers to generated images with their label maps. A generator and a
            segmenter that agree on swapped classes agree well, and both score badly.
        confusion: Pixels of real images, rows by label, columns by answer; of the counted classes.
        names: Of these classes.
        iou: By class; None where a class occurs nowhere.
        swapped: (class, its most frequent answer, share of its pixels), where that is another class.
    """

    scores: dict[str, float]
    confusion: list[list[int]]
    names: list[str]
    iou: dict[str, float | None]
    swapped: list[tuple[str, str, float]]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for scores.json, without the scores."""
        return {"classes": self.names, "confusion": self.confusion, "iou": self.iou,
                "swapped": [list(row) for row in self.swapped]}


@torch.inference_mode()
def score_by_product(segmenter: Any, maps: Dataset, painter: Painter, protocol: Protocol, counted: Sequence[int], *,
                     batch: int, workers: int = 0, device: torch.device | str = "cpu",
                     progress: Progress) -> ByProduct:
    """Score a segmenter on the real images of a validation split, and on what the generator makes of its label maps.

    Args:
        segmenter: `segmenter(images (N,3,H,W) in [-1,1]) -> logits (N,K,H,W)` and `truth(labels)`.
        maps: Samples `{image, labels}`, see `maps.JudgedMaps`.
        painter: Draws them.
        protocol: Its conventions of mIoU.
        counted: Classes whose pixels count.
        batch: Images at a time.
        workers: Processes that load samples.
        device: Where to compute.
        progress: Wraps the loop.
    """
    segmenter = segmenter.to(device).eval()
    names: list[str] = segmenter.classes
    counted = [index for index in counted if bool(segmenter.answered[index])]
    of_real, of_fake = (Confusion(len(names), protocol.class_mean, protocol.accumulate, protocol.void_is_wrong, counted)
                        for _ in range(2))
    loader: DataLoader = DataLoader(maps, batch, num_workers=workers, collate_fn=collate)
    done = 0
    for samples in progress(loader, "the segmenter of the run", len(loader)):
        positions = torch.arange(done, done + len(samples["name"]))
        done += len(positions)
        truth = segmenter.truth(samples["labels"].to(device))
        for confusion, images in ((of_real, samples["image"].to(device)), (of_fake, painter.draw(samples, positions))):
            confusion.update(segmenter(images).argmax(1), truth)
    real, fake = of_real.compute(), of_fake.compute()
    scores = {"segmenter/miou": real.miou, "segmenter/accuracy": real.accuracy,
              "segmenter/miou_rare": rare_iou(real.iou, real.frequency, counted),
              "agreement/miou": fake.miou, "agreement/accuracy": fake.accuracy}
    chosen = torch.tensor(counted)
    matrix = of_real.matrix[chosen][:, chosen]
    kept = [names[index] for index in counted]
    iou = class_iou(of_real.matrix)
    return ByProduct({key: value for key, value in scores.items() if value == value}, matrix.tolist(), kept,
                     {names[i]: None if iou[i] != iou[i] else float(iou[i]) for i in counted},
                     _swapped(matrix, kept))


def _swapped(matrix: Tensor, names: Sequence[str]) -> list[tuple[str, str, float]]:
    rows = matrix.double() / matrix.sum(1, keepdim=True).clamp_min(1)
    share, answer = rows.max(1)
    return [(name, names[int(a)], round(float(s), 4)) for index, (name, s, a) in enumerate(
        zip(names, share, answer, strict=True)) if int(a) != index and float(s) > 0]


def draw_confusion(path: Path, found: ByProduct) -> None:
    """A PNG: the confusion matrix, every row as shares of the pixels of its class."""
    from matplotlib.figure import Figure

    matrix = torch.tensor(found.confusion, dtype=torch.float64)
    shares = (matrix / matrix.sum(1, keepdim=True).clamp_min(1)).numpy()
    count = len(found.names)
    side = min(14.0, 3 + 0.38 * count)
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(picture, ax=axes, shrink=0.8, label="share of the class's pixels")
    axes.set(xlabel="the segmenter's answer", ylabel="class of the real image")
    if count <= NAMED:
        axes.set_xticks(range(count), found.names, rotation=60, ha="right", fontsize=8)
        axes.set_yticks(range(count), found.names, fontsize=8)
    if count <= 20:
        for row in range(count):
            for column in range(count):
                if shares[row, column] >= 0.01:
                    axes.text(column, row, f"{100 * shares[row, column]:.0f}", ha="center", va="center", fontsize=7,
                              color="white" if shares[row, column] > 0.55 else "black")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    figure.savefig(partial, dpi=120, format="png")
    os.replace(partial, path)
