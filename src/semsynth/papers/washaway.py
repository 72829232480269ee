"""Normalisation without parameters washes a uniform label map away, SPADE and CLADE keep it (arXiv:1903.07291, Sec. 3).

A label map of one class is convolved and normalised. Its features are constant in each channel, so that instance norm,
and batch norm of such a map alone, makes zeros of them: sky and grass are the same then. What a trained pix2pixHD draws
of such a map is rounding, which its other instance norms enlarge up to 316 times each (1 / sqrt(eps)): so pictures are
drawn in two precisions, and only what is the same in both is of the class.
"""

from __future__ import annotations

import copy
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
from semsynth.papers.first_norms import first_norm
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
    mean, largest = differences(features)
    return Treated(name, features, between_two(mean), int((largest.amin(1) > 1e-3).sum()))


def differences(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and largest absolute difference of each class to each other, (K,K); infinite to itself."""
    apart = [(features - one).abs().flatten(1) for one in features]
    mean, largest = torch.stack([a.mean(1) for a in apart]), torch.stack([a.amax(1) for a in apart])
    return mean.fill_diagonal_(torch.inf), largest.fill_diagonal_(torch.inf)


def between_two(mean: Tensor) -> float:
    """Mean of the differences (K,K) of two classes."""
    return float(mean[mean.isfinite()].mean())


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
def draw_flat(trained: Trained, dtype: torch.dtype = torch.float32) -> Tensor:
    """Pictures (K,3,H,W) in [-1,1] of a uniform label map for each class, in a precision, all in the style of z = 0."""
    generator: Any = trained.generator
    if dtype != torch.float32:
        generator = copy.deepcopy(generator).to(dtype)
    height, width = generator.size
    maps = Semantics(torch.arange(len(trained.classes))[:, None, None].repeat(1, height, width), len(trained.classes),
                     torch.zeros(len(trained.classes), 1, height, width),
                     torch.zeros(len(trained.classes), 2, height, width))
    return draw(generator, maps, generator.draw_style(len(maps), maps, torch.zeros))


class WashAway:
    """Shows it with norms at random weights and, where they are named, with trained networks.

    Args:
        settings: Of the trainings, as reports name them: `spade`, `clade`, `pix2pixHD`, `OASIS`, `unconditional` for
            norm=none; none: layers alone.
        channels: Of the convolution.
        networks: Names of `first_norms.NETWORKS`, whose first norms are shown, untrained.
        ngf: Their width.
    """

    def __init__(self, settings: Sequence[str] = (), channels: int = 32, networks: Sequence[str] = (), ngf: int = 64
                 ) -> None:
        self.settings, self.channels, self.networks, self.ngf = tuple(settings), channels, tuple(networks), ngf

    def __call__(self, results: Results) -> list[Section]:
        """Tables and pictures of the layers, and a picture of uniform label maps that trained networks have drawn.

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
        if self.networks:
            sections.append(self._first_norms(list(OUTDOOR), list(OUTDOOR.values()), results))
        if first is not None:
            sections.append(self._drawn(networks, results))
        return sections

    def _first_norms(self, classes: Sequence[str], colours: Sequence[Sequence[int]], results: Results) -> Section:
        rows, shown = [], []
        for name in self.networks:
            found = first_norm(name, len(classes), ngf=self.ngf)
            before, normalised, after = (treated(f"{name}, {where}", features) for where, features in (
                ("convolution", found.before), ("instance norm", found.normalised), ("its norm", found.after)))
            rows.append([name, str(found.before.shape[1]), *(f"{one.difference:.4f}" for one in
                                                             (before, normalised, after)),
                         f"{after.distinct} of {len(classes)}"])
            shown += [before, after]
        table = Table(["network", "channels", "mean difference between two classes behind the first convolution",
                       "behind instance norm", "behind the network's first norm",
                       "classes that differ from all others there"], rows)
        text = (f"The same at the beginning of networks of width {self.ngf} and 151 classes, untrained: their first "
                "convolution and their first norm, instance norm underneath. pix2pixHD has nothing else. The first "
                "convolutions repeat or mirror the border; OASIS has noise of zeros.")
        return Section("First norms of the networks", text, table,
                       save(draw_features(shown, classes, colours), results.picture("first_norms")))

    def _drawn(self, networks: dict[str, Trained], results: Results) -> Section:
        first = next(iter(networks.values()))
        figure, axes = new_figure(len(networks) + 1, len(first.classes), (1.1, 1.15))
        rows = []
        for row, (setting, trained) in enumerate(networks.items(), 1):
            images, precise = draw_flat(trained), draw_flat(trained, torch.float64)
            rounding = (images - precise).abs().flatten(1).mean(1)  # (K,)
            mean = differences(images)[0]
            distinct = int((mean.amin(1) > 2 * rounding.clamp_min(1e-4)).sum())
            rows.append([NAMES.get(setting, setting), f"`{trained.run.directory}`", f"{50 * between_two(mean):.1f} %",
                         f"{50 * float(rounding.mean()):.2g} %", f"{distinct} of {len(images)}"])
            for column, image in enumerate(images):
                show(axes[row, column], to_uint8(image.numpy()))
            axes[row, 0].set_ylabel(NAMES.get(setting, setting), rotation=0, ha="right", va="center", fontsize=8)
        for column, (name, colour) in enumerate(zip(first.classes, first.colours, strict=True)):
            show(axes[0, column], np.full((4, 4, 3), colour, np.uint8), name)
        table = Table(["network", "run", "mean difference between two classes, of a pixel's range",
                       "of one class between float32 and float64", "classes that differ from all others by more than "
                       "twice that"], rows)
        text = ("Label maps of one class each, as trained networks draw them in float32, all in one style. Where a "
                "picture is another one in float64, rounding has made it, and not the class.")
        return Section("Trained networks", text, table, save(figure, results.picture("trained")))
