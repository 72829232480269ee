"""Normalisation without parameters washes a uniform label map away, SPADE and CLADE keep it (arXiv:1903.07291, Sec. 3).

A label map of one class is convolved and normalised. Its features are constant in each channel, so that instance norm,
and batch norm of such a map alone, makes zeros of them: sky and grass are the same then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from semsynth.drawing import draw
from semsynth.norms.clade import CLADE
from semsynth.norms.spade import SPADE
from semsynth.papers.results import Results, Section, Table
from semsynth.papers.trained import NAMES, Trained, find, open_run
from semsynth.pictures.charts import new_figure, save, show
from semsynth.pictures.grid import to_uint8
from semsynth.semantics import Semantics

OUTDOOR = {"sky": (6, 230, 230), "tree": (4, 200, 3), "road": (140, 140, 140), "grass": (4, 250, 7),
           "water": (61, 230, 250), "mountain": (143, 255, 140), "building": (180, 120, 120), "car": (0, 102, 200)}
"""Classes of ADE20K and their colours."""


@dataclass(frozen=True)
class Treated:
    """Features of uniform label maps, one for each class, after a treatment.

    Attributes:
        name: Of the treatment.
        features: (K,C,h,w).
        difference: Mean absolute difference between the features of two classes.
        distinct: How many of the K classes differ from all others somewhere, by more than rounding.
    """

    name: str
    features: Tensor
    difference: float
    distinct: int


def treated(name: str, features: Tensor) -> Treated:
    """Compare the features (K,C,h,w) of K classes."""
    apart = (features[:, None] - features[None]).abs().flatten(2)  # (K,K,C*h*w)
    largest, classes = apart.amax(2), len(features)
    largest.fill_diagonal_(torch.inf)
    pairs = classes * (classes - 1)
    return Treated(name, features, float(apart.mean(2).sum() / pairs), int((largest.amin(1) > 1e-3).sum()))


def flat_maps(classes: int, size: int) -> Semantics:
    """A label map (size,size) for each class, of that class alone."""
    return Semantics(torch.arange(classes)[:, None, None].expand(classes, size, size).contiguous(), classes)


@torch.inference_mode()
def wash_away(classes: int, channels: int = 32, size: int = 16, seed: int = 0) -> list[Treated]:
    """A convolution of uniform label maps, and what norms make of it.

    The convolution repeats the border, so that nothing but the class is in its output. Norms are at random weights;
    CLADE's shifts, which start at zero, are drawn from N(0, 1).

    Args:
        classes: K.
        channels: C of the convolution.
        size: Side of the label maps.
        seed: Of all weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        convolution = nn.Conv2d(classes, channels, 3, padding=1, padding_mode="replicate")
        spade = SPADE(channels, classes, nn.InstanceNorm2d)
        clade = CLADE(channels, classes, nn.InstanceNorm2d)
        nn.init.normal_(clade.beta)
    semantics = flat_maps(classes, size)
    features = convolution(semantics.one_hot())
    instance, batch = nn.InstanceNorm2d(channels), nn.BatchNorm2d(channels, affine=False)
    return [
        treated("convolution", features),
        treated("convolution, instance norm", instance(features)),
        treated("convolution, batch norm of each map alone", torch.cat([batch(one[None]) for one in features])),
        treated("convolution, batch norm of all maps together", batch(features)),
        treated("convolution, SPADE over instance norm", spade(features, semantics)),
        treated("convolution, CLADE over instance norm", clade(features, semantics)),
    ]


def draw_features(found: Sequence[Treated], classes: Sequence[str], colours: Sequence[Sequence[int]]) -> Figure:
    """A row for each treatment, a column for each class: three channels of the features as red, green and blue."""
    figure, axes = new_figure(len(found) + 1, len(classes), (1.25, 1.05))
    least = 0.1 * float(found[0].features.std())  # a row of nothing but rounding is not enlarged
    for column, (name, colour) in enumerate(zip(classes, colours, strict=True)):
        show(axes[0, column], np.full((4, 4, 3), colour, np.uint8), name)
        for row, one in enumerate(found, 1):
            picture = one.features[column, :3]
            reach = 4 * max(float(one.features[:, :3].std()), least)
            shown = (picture / reach + 0.5).clamp(0, 1).permute(1, 2, 0).numpy()
            show(axes[row, column], shown)
    for row, name in enumerate(["label map", *(one.name for one in found)]):
        words = name.replace(", ", ",\n").replace(" over ", "\nover ").replace(" of ", "\nof ")
        axes[row, 0].set_ylabel(words, rotation=0, ha="right", va="center", fontsize=8)
    figure.suptitle("Uniform label maps: three channels as red, green, blue; zero is grey", fontsize=9)
    return figure


@torch.inference_mode()
def draw_flat(trained: Trained) -> Tensor:
    """Pictures (K,3,H,W) in [-1,1] of a uniform label map for each class, all in the style of z = 0."""
    generator: Any = trained.generator
    height, width = generator.size
    maps = Semantics(torch.arange(len(trained.classes))[:, None, None].repeat(1, height, width), len(trained.classes),
                     torch.zeros(len(trained.classes), 1, height, width),
                     torch.zeros(len(trained.classes), 2, height, width))
    return draw(generator, maps, generator.draw_style(len(maps), maps, torch.zeros))


class WashAway:
    """Shows it with norms at random weights and, where they are named, with trained networks.

    Args:
        settings: Of the trainings: `spade`, `clade`, `unconditional` for norm=none; none: layers alone.
        channels: Of the convolution.
    """

    def __init__(self, settings: Sequence[str] = (), channels: int = 32) -> None:
        self.settings, self.channels = tuple(settings), channels

    def __call__(self, results: Results) -> list[Section]:
        """Table and picture of the layers, and a picture of uniform label maps that trained networks have drawn.

        Raises:
            ReportError: a training is not done, or its data is not at hand.
        """
        networks = {setting: open_run(find(results, setting)) for setting in self.settings}
        first = next(iter(networks.values()), None)
        classes, colours = (list(OUTDOOR), list(OUTDOOR.values())) if first is None else (first.classes, first.colours)
        found = wash_away(len(classes), self.channels)
        rows = [[one.name, f"{one.difference:.4f}", f"{one.difference / found[0].difference:.1%}",
                 f"{one.distinct} of {len(classes)}"] for one in found]
        table = Table(["after", "mean difference between two classes", "of the convolution's",
                       "classes that differ from all others"], rows)
        text = ("A label map of one class, for each class; a 3x3 convolution of it; a norm. Weights at random (CLADE's "
                "shifts, which start at zero, from N(0, 1)). Batch norm keeps the classes apart only where maps of "
                "other classes are in the same batch.")
        sections = [Section("A layer", text, table,
                            save(draw_features(found, classes, colours), results.picture()))]
        if first is not None:
            sections.append(self._drawn(networks, results))
        return sections

    def _drawn(self, networks: dict[str, Trained], results: Results) -> Section:
        first = next(iter(networks.values()))
        figure, axes = new_figure(len(networks) + 1, len(first.classes), (1.1, 1.15))
        rows = []
        for row, (setting, trained) in enumerate(networks.items(), 1):
            images = draw_flat(trained)
            compared = treated(setting, images)
            rows.append([NAMES.get(setting, setting), f"`{trained.run.directory}`", f"{50 * compared.difference:.1f} %",
                         f"{compared.distinct} of {len(images)}"])
            for column, image in enumerate(images):
                show(axes[row, column], to_uint8(image.numpy()))
            axes[row, 0].set_ylabel(NAMES.get(setting, setting), rotation=0, ha="right", va="center", fontsize=8)
        for column, (name, colour) in enumerate(zip(first.classes, first.colours, strict=True)):
            show(axes[0, column], np.full((4, 4, 3), colour, np.uint8), name)
        table = Table(["network", "run", "mean difference between two classes, of a pixel's range",
                       "classes that differ from all others"], rows)
        text = "Label maps of one class each, as trained networks draw them, all in one style."
        return Section("Trained networks", text, table, save(figure, results.picture("trained")))
