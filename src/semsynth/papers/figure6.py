"""Figure 6 of the CLADE paper: the positional offsets of a label map, which CLADE-ICPE reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from semsynth.chance import stream
from semsynth.errors import ReportError
from semsynth.papers.modulation import places
from semsynth.papers.results import Results, Section
from semsynth.papers.trained import find, open_run
from semsynth.pictures.charts import class_legend, new_figure, save, show
from semsynth.pictures.grid import colour_labels
from semsynth.semantics import Semantics
from semsynth.semantics.components import Components, label_components

SMALLEST = 24  # pixels of a component below which its centre is not marked


@dataclass(frozen=True)
class OffsetMaps:
    """Positional offsets of a label map, and where they come from.

    Attributes:
        labels: (H,W) int.
        parts: Its components: connected regions of a class.
        offsets: (2,H,W) in [-1,1]: vertical, downwards positive, and horizontal, to the right positive.
        scales: (2,H,W), by how much a trained norm scales gamma and beta there; None without a network.
    """

    labels: np.ndarray
    parts: Components
    offsets: np.ndarray
    scales: np.ndarray | None = None


def offset_maps(semantics: Semantics, generator: Any = None) -> list[OffsetMaps]:
    """The offsets of each label map.

    Args:
        semantics: Label maps with offsets; prepared for the generator where there is one.
        generator: With norms of CLADE-ICPE: the scales that its last one makes of the offsets are read, too.

    Raises:
        ValueError: the label maps have no offsets.
    """
    offsets = semantics.require_offsets().numpy()
    scales = None if generator is None else _scales(generator, semantics)
    return [OffsetMaps(labels, label_components(labels), offsets[i], None if scales is None else scales[i])
            for i, labels in enumerate(semantics.labels.numpy())]


@torch.inference_mode()
def _scales(generator: Any, semantics: Semantics) -> np.ndarray | None:
    """1 + C_gamma(d) and 1 + C_beta(d) of the last norm, (N,2,H,W); None where it has none."""
    last = places(generator, semantics.size)[-1]
    norm: Any = last.norm
    if not getattr(norm, "uses_scales", False):
        return None
    view = semantics.at(*last.size)
    found: np.ndarray = norm.scales(view).view(*view.labels.shape, 2).permute(0, 3, 1, 2).numpy()
    return found


def draw_offsets(maps: Sequence[OffsetMaps], classes: Sequence[str], colours: Sequence[Sequence[int]]) -> Figure:
    """A row for each label map: classes, components with their centres, both offsets, and what a norm makes of them."""
    scaled = all(one.scales is not None for one in maps)
    figure, axes = new_figure(len(maps), 6 if scaled else 4, (2.3, 2.1))
    for row, one in enumerate(maps):
        titles = ["label map", "components, centres", "vertical offset", "horizontal offset"] if row == 0 else [""] * 4
        show(axes[row, 0], colour_labels(one.labels, colours), titles[0])
        show(axes[row, 1], _apart(one.parts), titles[1])
        large = one.parts.area >= SMALLEST
        axes[row, 1].plot(one.parts.centre[1, large], one.parts.centre[0, large], "k+", markersize=6)
        for column in (0, 1):
            drawn = show(axes[row, 2 + column], one.offsets[column], titles[2 + column], cmap="RdBu", vmin=-1, vmax=1)
    bar = figure.colorbar(drawn, ax=list(axes[:, 2:4].ravel()), location="bottom", shrink=0.5, pad=0.02)
    bar.set_ticks([-1, 0, 1], labels=["-1 (up, left)", "0", "1 (down, right)"], fontsize=8)
    for column, name in enumerate(("gamma", "beta")) if scaled else ():
        stack = np.stack([one.scales[column] for one in maps if one.scales is not None])
        reach = max(float(np.abs(stack - 1).max()), 1e-6)
        for row, values in enumerate(stack):
            title = "" if row else f"scale of {name},\nlast norm"
            drawn = show(axes[row, 4 + column], values, title, cmap="PuOr", vmin=1 - reach, vmax=1 + reach)
        bar = figure.colorbar(drawn, ax=list(axes[:, 4 + column]), location="bottom", shrink=0.9, pad=0.02)
        bar.set_ticks(ends := [1 - reach, 1, 1 + reach], labels=[f"{end:.4g}" for end in ends], fontsize=8)
    class_legend(figure, np.stack([one.labels for one in maps]), classes, colours)
    return figure


def _apart(parts: Components) -> np.ndarray:
    """Components (H,W,3) uint8 in colours that tell neighbours apart; the same ones for the same map."""
    palette = stream("colours of components").integers(70, 256, (len(parts.area), 3)).astype(np.uint8)
    return palette[parts.index]


class OffsetsFigure:
    """Draws the offsets of a few label maps.

    Args:
        samples: Label maps, those of the most components among `among`.
        among: Spread over the validation split.
    """

    def __init__(self, samples: int = 3, among: int = 60) -> None:
        self.samples, self.among = samples, among

    def __call__(self, results: Results) -> list[Section]:
        """The picture.

        Raises:
            ReportError: no training of CLADE-ICPE is done, or data is not at hand.
        """
        trained = open_run(find(results, "clade_icpe"))

        def components(index: int) -> int:
            labels = np.asarray(trained.split[index]["labels"])
            return int((label_components(labels).area >= SMALLEST).sum())

        chosen = sorted(trained.spread(self.among), key=components, reverse=True)[:self.samples]
        try:
            maps = offset_maps(trained.semantics(trained.batch(chosen)), trained.generator)
        except ValueError as error:
            raise ReportError(f"{trained.run.directory}: {error}") from error
        picture = save(draw_offsets(maps, trained.classes, trained.colours), results.picture())
        icpe = (trained.run.config or {})["icpe"]
        kind = ("every component, as the released code does" if icpe["published"] or icpe["components"] == "every" else
                "the largest component of a class")
        text = (f"Each pixel's distance from the centre of its component, over the largest in it, vertical and "
                f"horizontal apart; here of {kind}. Crosses: centres of components of {SMALLEST} pixels and more. "
                f"On the right what the last norm of `{trained.run.directory}` multiplies gamma and beta by.")
        return [Section("Offsets", text, picture=picture)]
