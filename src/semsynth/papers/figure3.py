"""Figure 3 of the CLADE paper: gamma and beta of SPADE by class and resolution, and what the class alone decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from semsynth.papers.modulation import (
    QUANTITIES,
    ClassMoments,
    Modulation,
    Place,
    places,
    read_modulation,
    share,
    typical_channel,
    uniform_surroundings,
)
from semsynth.papers.results import Results, Section, Table
from semsynth.papers.trained import find, open_run
from semsynth.pictures.charts import new_figure, patches, save
from semsynth.semantics import Semantics

Size = tuple[int, int]
SAMPLED = 512  # pixels of a label map that the histograms take, at most
BINS = 60


@dataclass
class Statistics:
    """Gamma and beta of all norms on many label maps.

    Attributes:
        places: The norms, in the order of the forward pass.
        moments: For `gamma` and `beta` those of each norm, by its name: of all pixels.
        labels: By name of the last norm at each resolution, the labels (P,) of sampled pixels.
        values: For `gamma` and `beta`, by name of such a norm, what they have there: (P,C).
        uniform: By size the share of pixels with one class around them, see `modulation.uniform_surroundings`, of each
            batch.
        maps: How many label maps.
    """

    places: list[Place]
    moments: dict[str, dict[str, ClassMoments]] = field(default_factory=lambda: {q: {} for q in QUANTITIES})
    labels: dict[str, list[Tensor]] = field(default_factory=dict)
    values: dict[str, dict[str, list[Tensor]]] = field(default_factory=lambda: {q: {} for q in QUANTITIES})
    uniform: dict[Size, list[float]] = field(default_factory=dict)
    maps: int = 0

    @property
    def last(self) -> dict[Size, Place]:
        """The last norm at each resolution, smallest first."""
        return {place.size: place for place in self.places}

    def add(self, read: Modulation, classes: int) -> None:
        """Count what a norm does with a batch of label maps in."""
        name = read.place.name
        sampled = self.last[read.place.size] is read.place
        pixels = sampled_pixels(read.labels[0].numel())
        if sampled:
            self.labels.setdefault(name, []).append(read.labels.flatten(1)[:, pixels].flatten())
            self.uniform.setdefault(read.place.size, []).append(uniform_surroundings(read.labels))
        for quantity in QUANTITIES:
            values: Tensor = getattr(read, quantity)
            self.moments[quantity].setdefault(name, ClassMoments(classes, values.shape[1])).add(read.labels, values)
            if sampled:
                rows = values.flatten(2)[..., pixels].transpose(1, 2).flatten(0, 1)
                self.values[quantity].setdefault(name, []).append(rows)

    def share(self, quantity: str, size: Size) -> float:
        """Share of the variance of `gamma` or `beta` that lies between the classes, over all norms at a resolution."""
        return share(self.moments[quantity][place.name] for place in self.places if place.size == size)

    def sample(self, quantity: str, size: Size) -> tuple[int, np.ndarray, np.ndarray]:
        """The typical channel of the last norm at a resolution, labels (P,), and its values (P,) at sampled pixels."""
        name = self.last[size].name
        channel = typical_channel(self.moments[quantity][name])
        values = torch.cat(self.values[quantity][name])[:, channel]
        return channel, torch.cat(self.labels[name]).numpy(), values.numpy()


def sampled_pixels(count: int) -> Tensor:
    """Indices of at most `SAMPLED` of `count` pixels, the same ones every time.

    Drawn: every n-th pixel would be in a few columns, the first among them, where convolutions see the border.
    """
    return torch.randperm(count, generator=torch.Generator().manual_seed(0))[:SAMPLED]


def modulation_statistics(generator: Any, batches: Iterable[Semantics]) -> Statistics:
    """Read gamma and beta of every norm on every label map.

    Args:
        generator: With SPADE's or CLADE's norms.
        batches: Label maps of one size, prepared for it.

    Raises:
        ValueError: there are no label maps, or no norm that modulates.
    """
    found: Statistics | None = None
    for semantics in batches:
        found = found or Statistics(places(generator, semantics.size))
        found.maps += len(semantics)
        for read in read_modulation(semantics, found.places):
            found.add(read, semantics.num_classes)
    if found is None:
        raise ValueError("there are no label maps to read the modulation on")
    return found


def most_frequent(found: Statistics, count: int) -> list[int]:
    """The classes with the most pixels at the last norm."""
    pixels = found.moments["gamma"][found.places[-1].name].count
    return [int(k) for k in pixels.argsort(descending=True)[:count] if pixels[k] > 0]


def draw_histograms(found: Statistics, shown: Sequence[int], classes: Sequence[str],
                    colours: Sequence[Sequence[int]]) -> Figure:
    """A row for each resolution: gamma and beta of a typical channel, a histogram for each class of `shown`."""
    figure, axes = new_figure(len(found.last), 2, (4.6, 1.75))
    for row, (size, place) in enumerate(found.last.items()):
        for column, quantity in enumerate(QUANTITIES):
            channel, labels, values = found.sample(quantity, size)
            chosen = values[np.isin(labels, shown)]
            low, high = (float(v) for v in np.quantile(chosen, [0.001, 0.999])) if len(chosen) else (0.0, 1.0)
            edges = np.linspace(low, high if high > low else low + 1e-6, BINS + 1)
            for k in shown:
                of_class = values[labels == k]
                if len(of_class):
                    heights = np.histogram(of_class, edges)[0] / len(of_class)
                    colour = np.divide(colours[k], 255)
                    axes[row, column].stairs(heights, edges, fill=True, color=colour, alpha=0.45)
                    axes[row, column].stairs(heights, edges, color=colour * 0.7, linewidth=1)
            axes[row, column].set_yscale("log")
            axes[row, column].set_ylim(1e-3, 1.5)
            axes[row, column].tick_params(labelsize=7)
            axes[row, column].set_title(f"{quantity} at {size[0]}x{size[1]}: {place.name}, channel {channel}; between "
                                        f"classes {found.share(quantity, size):.1%}", fontsize=8)
        axes[row, 0].set_ylabel("share of pixels", fontsize=8)
    patches(figure, [(classes[k], np.divide(colours[k], 255)) for k in shown])
    figure.suptitle(f"{found.maps} label maps. Channel: the typical one. Percent: variance between the classes, of all "
                    "channels and norms at this resolution", fontsize=8)
    return figure


class ModulationHistograms:
    """Draws the histograms, and makes the table of the shares of variance.

    Args:
        samples: Label maps, spread over the validation split.
        classes: Names of the classes that are drawn; none: the five with the most pixels.
        settings: Whose networks: the first one's histograms are drawn, the shares of all stand in the table.
    """

    def __init__(self, samples: int = 64, classes: Sequence[str] = (), settings: Sequence[str] = ("spade",)) -> None:
        self.samples, self.classes, self.settings = samples, tuple(classes), tuple(settings)

    def __call__(self, results: Results) -> list[Section]:
        """Picture and table.

        Raises:
            ReportError: no such training is done, or data is not at hand.
        """
        drawn, columns = None, {}
        for setting in self.settings:
            trained = open_run(find(results, setting))
            columns[setting] = modulation_statistics(trained.generator, trained.label_maps(self.samples))
            drawn = drawn or trained
        assert drawn is not None
        found = columns[self.settings[0]]
        shown = drawn.labels_of(self.classes) or most_frequent(found, 5)
        picture = save(draw_histograms(found, shown, drawn.classes, drawn.colours), results.picture())
        head = ["resolution", "pixels with one class in the 5x5 around them",
                *(f"{setting}: {quantity}" for setting in columns for quantity in QUANTITIES)]
        rows = [[f"{size[0]}x{size[1]}", f"{np.mean(found.uniform[size]):.1%}",
                 *(_percent(other.share(quantity, size)) for other in columns.values() for quantity in QUANTITIES)]
                for size in found.last]
        text = ("Share of the variance of gamma and beta, over all pixels, channels and norms at a resolution, that "
                "lies between the classes. A table with one row a class, as CLADE has, can do exactly that much, and "
                "has 100 %. What SPADE varies within a class follows from other classes, or the border of the map, "
                "within two pixels.")
        return [Section("Variance between the classes", text, Table(head, rows)),
                Section("Gamma and beta by class", f"`{drawn.run.directory}`; heights on a logarithmic scale.",
                        picture=picture)]


def _percent(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.1%}"
