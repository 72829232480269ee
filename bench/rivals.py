"""Measure OASIS, DAGAN, CC-FPSE and first convolutions of one-hot maps against their published formulation.

`python bench/rivals.py [quick] [page=FILE]` writes bench/results_rivals.md: on one thread, ratios of calls that take
turns in one process. `quick` leaves out most of the published width.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from maps import checkerboard, median_map, noise
from measure import alternate, saved_bytes
from networks import DEVICE, prepared
from run import machine, table
from torch import Tensor

from semsynth.complexity.formulation import as_published
from semsynth.generators.cc_fpse import CCFPSEGenerator
from semsynth.generators.dagan import DAGANGenerator
from semsynth.generators.label_convolution import LabelConv2d
from semsynth.generators.label_input import LabelInput
from semsynth.generators.oasis import OASISGenerator
from semsynth.norms.clade import CLADE
from semsynth.norms.spade import SPADE
from semsynth.norms.spade_noise import SPADE_Noise
from semsynth.semantics import Reading, Semantics

RESULTS = Path(__file__).with_name("results_rivals.md")
CASE = ["network", "maps", "ngf", "labels"]
DRAWN = ["published ms", "fast ms", "ratio", "map seen before, other noise", "largest difference, relative"]
TRAINED = ["G forward + backward, published ms", "fast ms", "ratio", "kept for backward, published MiB",
           "kept, fast / published"]
FIRST = ["layer", "maps", "labels", "published ms", "fast ms", "ratio", "largest difference, relative"]


def networks(size: int, ngf: int, classes: int) -> dict[str, Callable[[], Any]]:
    """What is measured, as functions that build it; hidden widths shrink as in the scenes recipe."""
    hidden = 128 if ngf == 64 else 32
    common = {"num_classes": classes, "size": (size, size), "ngf": ngf}
    return {
        "OASIS": partial(OASISGenerator, partial(SPADE_Noise, hidden=hidden), **common),
        "OASIS with CLADE": partial(OASISGenerator, CLADE, **common),
        "DAGAN": partial(DAGANGenerator, partial(SPADE, hidden=hidden), **common),
        "CC-FPSE": partial(CCFPSEGenerator, z_dim=256, hidden=hidden, pyramid=ngf, **common),
    }


def drawing(build: Callable[[], Any], labels: Tensor, classes: int, repeats: int) -> list[str]:
    """The cells of a row: a new label map, and one that was seen before, with noise drawn anew each time."""
    network = build().to(DEVICE).eval()
    plain, folded = as_published(network), network.optimize_for_inference()
    given = Semantics(labels, classes).to(DEVICE)
    with torch.inference_mode():
        known, style = prepared(network, labels, classes), network.draw_style(len(labels), given)
        expected = plain(given, style)
        error = (folded(known, style) - expected).abs().max().item() / expected.abs().max().item()
        times = alternate([lambda: plain(given), lambda: folded(prepared(network, labels, classes)),
                           lambda: folded(known)], repeats)
    return [f"{times[0] * 1e3:.0f}", f"{times[1] * 1e3:.0f}", *(f"{times[0] / t:.2f}" for t in times[1:]),
            f"{error:.0e}"]


def training(build: Callable[[], Any], labels: Tensor, classes: int, repeats: int) -> list[str]:
    """The cells of a row: the generator's forward and backward pass, on label maps never seen before."""
    network = build().to(DEVICE)
    plain, given = as_published(network), Semantics(labels, classes).to(DEVICE)
    ready = prepared(network, labels, classes)
    kept = [saved_bytes(call, network) for call in (lambda: plain(given), lambda: network(ready))]

    def both(draw: Callable[[], Tensor]) -> None:
        network.zero_grad()
        draw().mean().backward()

    times = alternate([lambda: both(lambda: plain(given)),
                       lambda: both(lambda: network(prepared(network, labels, classes)))], repeats)
    return [f"{times[0] * 1e3:.0f}", f"{times[1] * 1e3:.0f}", f"{times[0] / times[1]:.2f}", f"{kept[0] / 2 ** 20:.0f}",
            f"{kept[1] / kept[0]:.2f}"]


def first_convolutions(labels: Tensor, classes: int, repeats: int) -> list[tuple[str, list[str]]]:
    """Rows of the layers by themselves, drawing: the one-hot map and its convolution, against rows of tables."""
    wide = LabelInput(classes, 64).to(DEVICE)
    small = LabelConv2d(classes, 128).to(DEVICE)
    readings = [Reading(*labels.shape[1:], small.needs)]

    def new() -> Semantics:
        return Semantics(labels, classes).to(DEVICE)

    layers: dict[str, tuple[Callable[[], Tensor], Callable[[], Tensor]]] = {
        "pix2pixHD, 7x7 to 64": (lambda: wide.convolved(new().one_hot()), lambda: wide(new())),
        "CC-FPSE, 3x3 to 128": (lambda: small(new()), lambda: small(new().prepare(readings)))}
    found = []
    for name, calls in layers.items():
        with torch.inference_mode():
            expected, ours = (call() for call in calls)
            error = (ours - expected).abs().max().item() / expected.abs().max().item()
            times = alternate(calls, repeats)
        found.append((name, [f"{times[0] * 1e3:.0f}", f"{times[1] * 1e3:.1f}", f"{times[0] / times[1]:.1f}",
                             f"{error:.0e}"]))
    return found


def main(arguments: list[str]) -> None:
    """Run all cases and write the page."""
    quick, given = "quick" in arguments, dict(a.split("=", 1) for a in arguments if "=" in a)
    page = Path(given.get("page", RESULTS))
    torch.set_num_threads(1)
    began = os.getloadavg()[0]
    drawn, trained, first = [], [], []
    for size, ngf, count in [(64, 16, 8), (128, 16, 1), (256, 64, 1)]:
        repeats = 3 if ngf == 64 else 5
        labels, classes, source = median_map(size, count)
        kinds = {source: labels, "checkerboard": checkerboard(size, count), "noise": noise(size, count, classes)}
        short = quick and ngf == 64
        shape = f"{count}x{size}x{size}"
        for name, build in networks(size, ngf, classes).items():
            for kind, these in [*kinds.items()][:1 if short else None]:
                drawn.append([name, shape, str(ngf), kind, *drawing(build, these, classes, repeats)])
                print("drawing", *drawn[-1], flush=True)
            if not short:
                trained.append([name, shape, str(ngf), source, *training(build, labels, classes, repeats)])
                print("training", *trained[-1], flush=True)
        for kind, these in kinds.items():
            first += [[name, shape, kind, *cells] for name, cells in first_convolutions(these, classes, repeats)]
    words = [
        "# The rivals against their published formulation", "",
        f"{machine()}, torch {torch.__version__}, float32, one thread, load {began:.1f} at the beginning and "
        f"{os.getloadavg()[0]:.1f} at the end. Medians of alternating runs in one process, so that other work on the "
        "machine disturbs both alike: ratios compare, milliseconds do not. Every ratio is the time of the published "
        "formulation (`semsynth.complexity.released`) over ours: more is faster. "
        f"`python bench/rivals.py{' quick' * quick}` wrote this page.", "",
        "## Drawing", "", table(CASE + DRAWN, drawn), "", "## Training", "",
        "Of the generator alone, the loss being the mean of its pictures.", "", table(CASE + TRAINED, trained), "",
        "## First convolutions of one-hot maps", "",
        "By themselves and without gradients; making the one-hot map, or the look-ups, is in the time. Ours of "
        "pix2pixHD is for drawing on a CPU: in training and on a GPU it is the convolution.", "",
        table(FIRST, first), ""]
    page.write_text("\n".join(words))
    print(f"wrote {page}")


if __name__ == "__main__":
    main(sys.argv[1:])
