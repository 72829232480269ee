"""Figure 5 of the CLADE paper: what the norms cost beside the convolutions, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from semsynth.complexity.measure import Record
from semsynth.complexity.tables import label
from semsynth.weights.files import write_with

COLOURS = ("#d1495b", "#00798c", "#edae49", "#30638e", "#8d6a9f", "#5b8e7d", "#bc4b51")
CONVOLUTION = "#9a9a9a"


def draw(records: Sequence[Record], path: Path, convention: str = "published") -> Path | None:
    """Plot ratios, parameters and multiply-accumulates of every layer into a PNG; return its path.

    None, and no picture, where the networks have no norms or not the same blocks.

    Left: cost of a norm over that of the convolution after it. Middle and right: the absolute numbers, on logarithmic
    axes.

    Args:
        records: one for each norm.
        path: where to write it.
        convention: how the ratios count, see :data:`counting.CONVENTIONS`.
    """
    from matplotlib.figure import Figure

    names = [layer["ratios"]["conv"] for layer in _norms(records[0])] if records else []
    if not names or any([layer["ratios"]["conv"] for layer in _norms(r)] != names for r in records):
        return None
    figure = Figure(figsize=(17, 5.2), layout="constrained")
    axes = figure.subplots(1, 3)
    short = [name.removeprefix("blocks.") for name in names]
    positions = range(len(names))
    first = {layer["name"]: layer for layer in records[0]["layers"]}
    for axis, key in ((axes[1], "parameters"), (axes[2], "macs")):
        axis.plot(positions, [first[n][key] - first[n][f"added_{key}"] for n in names], "s-", color=CONVOLUTION,
                  label="convolution", markersize=5)
    for index, (record, colour) in enumerate(zip(records, COLOURS, strict=False)):
        norms = _norms(record)
        total = record["ratios"][convention]
        # later lines are thinner, so that equal ones stay visible below them
        style = {"color": colour, "marker": "o", "markersize": max(3, 8 - 2 * index),
                 "linewidth": max(1, 3.5 - index)}
        axes[0].plot(positions, [n["ratios"][convention]["parameters"] for n in norms], linestyle="--", **style,
                     label=f"{label(record)}: parameters, {total['parameters']:.2%} in all")
        axes[0].plot(positions, [n["ratios"][convention]["macs"] for n in norms], linestyle="-", **style,
                     label=f"{label(record)}: work, {total['macs']:.2%} in all")
        axes[1].plot(positions, [n["parameters"] for n in norms], **style, label=label(record))
        # a norm without dense convolutions works element by element
        axes[2].plot(positions, [max(n["macs"], n["elementwise"]) for n in norms], **style, label=label(record))
    titles = ("norm / convolution after it", "parameters", "multiply-accumulates (elementwise operations of CLADE)")
    for axis, title in zip(axes, titles, strict=True):
        axis.set(title=title, yscale="log")
        axis.set_xticks(list(positions), short, rotation=60, ha="right", fontsize=8)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    low, high = axes[0].get_ylim()
    axes[0].set_ylim(low, high * (high / low) ** (0.08 * len(records)))  # room for the legend
    axes[0].legend(fontsize=8, loc="upper left")
    axes[0].axhline(1, color="black", linewidth=0.8)
    setting = records[0]["setting"]
    figure.suptitle(f"{setting['dataset']}, {setting['size'][0]}x{setting['size'][1]}; ratios as {convention}")
    return write_with(path, lambda file: figure.savefig(file, format="png", dpi=80))


def _norms(record: Record) -> list[Record]:
    return [layer for layer in record["layers"] if layer["ratios"]]
