"""Figure 2 of the CLADE paper: gamma and beta of a SPADE layer as maps, which hardly vary within a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from semsynth.papers.modulation import (
    QUANTITIES,
    ClassMoments,
    Modulation,
    places,
    read_modulation,
    share,
    typical_channel,
    uniform_surroundings,
)
from semsynth.papers.results import Results, Section
from semsynth.papers.trained import Trained, find, open_run
from semsynth.pictures.charts import class_legend, new_figure, save, show
from semsynth.pictures.grid import colour_labels
from semsynth.semantics import Semantics


@dataclass(frozen=True)
class ModulationMaps:
    """Gamma and beta of one layer on some label maps.

    Attributes:
        read: The layer, label maps (N,h,w), gamma and beta (N,C,h,w).
        channels: For `gamma` and `beta` the channels that are shown: the typical one, whose own share of variance
            between the classes is the median, and the one that varies most.
        shares: For `gamma` and `beta` the share of the variance of all channels that lies between the classes.
    """

    read: Modulation
    channels: dict[str, tuple[int, int]]
    shares: dict[str, float]

    def map_of(self, quantity: str, sample: int, channel: int) -> np.ndarray:
        """A channel (h,w) on a label map."""
        values: torch.Tensor = getattr(self.read, quantity)
        return values[sample, channel].numpy()


def modulation_maps(generator: Any, semantics: Semantics, layer: int = -1) -> ModulationMaps:
    """Read a norm's modulation on label maps.

    Args:
        generator: With SPADE's or CLADE's norms.
        semantics: Label maps, prepared for it.
        layer: Which norm, in the order of the forward pass; the last by default.

    Raises:
        ValueError: the generator has no norm that modulates.
    """
    read = next(read_modulation(semantics, [places(generator, semantics.size)[layer]]))
    channels, shares = {}, {}
    for quantity in QUANTITIES:
        values = getattr(read, quantity)
        moments = ClassMoments(semantics.num_classes, values.shape[1])
        moments.add(read.labels, values)
        channels[quantity] = typical_channel(moments), int(moments.variances()[1].argmax())
        shares[quantity] = share([moments])
    return ModulationMaps(read, channels, shares)


def draw_maps(maps: ModulationMaps, classes: Sequence[str], colours: Sequence[Sequence[int]]) -> Figure:
    """A row for each label map: the map, then two channels of gamma and two of beta, each on one scale of colours."""
    labels = maps.read.labels.numpy()
    figure, axes = new_figure(len(labels), 5, (2.15, 2.05))
    for row, sample in enumerate(labels):
        show(axes[row, 0], colour_labels(sample, colours), "" if row else "label map")
    column = 0
    for quantity in QUANTITIES:
        for word, channel in zip(("typical", "varies most"), maps.channels[quantity], strict=True):
            column += 1
            values = getattr(maps.read, quantity)[:, channel]
            low, high = float(values.min()), float(values.max())
            for row in range(len(labels)):
                title = "" if row else f"{quantity}, channel {channel}\n({word})"
                drawn = show(axes[row, column], maps.map_of(quantity, row, channel), title, cmap="viridis", vmin=low,
                             vmax=high)
            figure.colorbar(drawn, ax=list(axes[:, column]), location="bottom", shrink=0.9, pad=0.02).ax.tick_params(
                labelsize=7)
    class_legend(figure, labels, classes, colours)
    place = maps.read.place
    figure.suptitle(f"{place.name}, {place.size[0]}x{place.size[1]}: variance between classes, "
                    + ", ".join(f"{q} {maps.shares[q]:.1%}" for q in QUANTITIES), fontsize=10)
    return figure


def plainest(trained: Trained, count: int, among: int, classes: Sequence[str] = ()) -> list[int]:
    """Samples of few classes: those of the split of which two classes, or the ones named, cover most.

    Args:
        trained: Gives the split.
        count: How many.
        among: Out of how many samples, spread over the split.
        classes: Names; none: the two that cover most of each label map.
    """
    indices = trained.spread(among)
    wanted = trained.labels_of(classes)

    def covered(index: int) -> float:
        counts = np.bincount(np.asarray(trained.split[index]["labels"]).ravel(), minlength=len(trained.classes))
        return float((counts[wanted].sum() if wanted else np.sort(counts)[-2:].sum()) / counts.sum())

    return sorted(indices, key=covered, reverse=True)[:count]


class ModulationMapsFigure:
    """Draws gamma and beta of the last SPADE layer.

    Args:
        samples: Label maps.
        among: Out of how many those with the fewest classes are taken.
        classes: Names of classes that shall cover most of them, such as sky and field; none: any two.
        setting: Whose networks.
    """

    def __init__(self, samples: int = 3, among: int = 200, classes: Sequence[str] = (), setting: str = "spade") -> None:
        self.samples, self.among, self.classes, self.setting = samples, among, tuple(classes), setting

    def __call__(self, results: Results) -> list[Section]:
        """The picture, and what it shows in numbers.

        Raises:
            ReportError: no such training is done, or data is not at hand.
        """
        trained = open_run(find(results, self.setting))
        chosen = plainest(trained, self.samples, self.among, self.classes)
        semantics = trained.semantics(trained.batch(chosen))
        maps = modulation_maps(trained.generator, semantics)
        picture = save(draw_maps(maps, trained.classes, trained.colours), results.picture())
        text = (f"`{trained.run.directory}`, its last norm `{maps.read.place.name}`. Of the variance of gamma "
                f"{maps.shares['gamma']:.1%} lies between the classes of these label maps, of beta "
                f"{maps.shares['beta']:.1%}; the rest stems from pixels near a border: "
                f"{uniform_surroundings(maps.read.labels):.1%} of the pixels have one class in the 5x5 pixels around "
                "them, which is all that the two 3x3 convolutions see, and there the modulation of a class is one "
                "value exactly. *Typical* is the channel whose own share is the median.")
        return [Section("Gamma and beta as maps", text, picture=picture)]
