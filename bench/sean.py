"""SEAN and SEAN-CLADE against the published formulation: python bench/sean.py [drawing|training] [repeats] [size].

Published widths, 19 classes, one thread; `size` is that of training. Seconds are those of the processor, which other
processes disturb less. Writes bench/results_sean_drawing.md or bench/results_sean_training.md.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

import torch
from maps import median_map, noise
from measure import alternate, saved_bytes
from run import machine, table
from torch import Tensor

from semsynth.complexity.formulation import as_published
from semsynth.generators.sean import SEANGenerator
from semsynth.norms.ace import ACE, ACE_CLADE
from semsynth.norms.schedule import Mixed
from semsynth.semantics import Semantics
from semsynth.style import Style

NORMS = {"SEAN": (ACE, 3.0), "SEAN-CLADE": (ACE_CLADE, 2.5)}  # and how many times as fast drawing shall be
CLASSES, SIZE = 19, 256
HEADS = ["network", "labels", "published s", "fast s", "ratio", "target", "largest difference, relative"]
TRAINED = ["network", "labels", "published s", "fast s", "ratio", "published MB", "fast MB", "share"]


def build(norm: type[ACE], size: int) -> SEANGenerator:
    """At its initial weights, with noise of the size of the features."""
    torch.manual_seed(0)
    generator = SEANGenerator(Mixed(norm, partial(norm, styled=False), 6), CLASSES, size=(size, size), init_gain=1.0)
    for name, value in generator.named_parameters():
        if name.endswith("noise_scale"):
            torch.nn.init.normal_(value, std=0.1)
    return generator


def drawing(generator: SEANGenerator, labels: Tensor, style: Style, repeats: int) -> tuple[list[float], float]:
    """Seconds of both for a label map never seen before, and the largest difference over the largest value."""
    generator.eval()
    plain, fast = as_published(generator).eval(), generator.optimize_for_inference()
    with torch.inference_mode():
        calls = [lambda: plain(Semantics(labels, CLASSES), style),
                 lambda: fast(fast.prepare(Semantics(labels, CLASSES)), style)]
        times = alternate(calls, repeats, time.process_time)
        expected, found = (call() for call in calls)
    return times, ((found - expected).abs().max() / expected.abs().max()).item()


def training(generator: SEANGenerator, labels: Tensor, style: Style, repeats: int) -> tuple[list[float], list[int]]:
    """Seconds of both for a forward and a backward pass of the generator, and the bytes kept between."""
    generator.train()
    plain = as_published(generator).train()
    forwards = [lambda: plain(Semantics(labels, CLASSES), style),
                lambda: generator(generator.prepare(Semantics(labels, CLASSES)), style)]
    times = alternate([partial(_with_backward, forward) for forward in forwards], repeats, time.process_time)
    return times, [saved_bytes(forward, generator) for forward in forwards]


def _with_backward(forward: partial[Tensor]) -> None:
    forward().square().mean().backward()


def draw(repeats: int) -> str:
    """The rows of drawing."""
    labels, _, source = median_map(SIZE, 1)
    kinds = {f"{source}, ids modulo {CLASSES}": labels % CLASSES, "noise": noise(SIZE, 1, CLASSES)}
    rows = []
    for name, (norm, target) in NORMS.items():
        generator = build(norm, SIZE)
        style = generator.draw_style(1)
        for kind, these in kinds.items():
            (plain, fast), difference = drawing(generator, these, style, repeats)
            rows.append([name, kind, f"{plain:.2f}", f"{fast:.2f}", f"{plain / fast:.2f}",
                         f">= {target:g}" if kind != "noise" else "", f"{difference:.0e}"])
            print(*rows[-1], flush=True)
    return f"Drawing, {SIZE}x{SIZE}:\n\n{table(HEADS, rows)}"


def train(repeats: int, size: int) -> str:
    """The rows of a generator's forward and backward pass."""
    labels, _, source = median_map(size, 1)
    rows = []
    for name, (norm, _) in NORMS.items():
        generator = build(norm, size)
        (plain, fast), kept = training(generator, labels % CLASSES, generator.draw_style(1), repeats)
        rows.append([name, f"{source}, ids modulo {CLASSES}", f"{plain:.2f}", f"{fast:.2f}", f"{plain / fast:.2f}",
                     *(f"{of / 1e6:.0f}" for of in kept), f"{kept[1] / kept[0]:.2f}"])
        print(*rows[-1], flush=True)
    return (f"Forward and backward pass of the generator, {size}x{size}; MB are kept for the backward pass:\n\n"
            f"{table(TRAINED, rows)}")


def main() -> None:
    """Measure and write a page."""
    what, repeats, size = (*sys.argv[1:], *("drawing", "2", str(SIZE))[len(sys.argv) - 1:])
    torch.set_num_threads(1)
    made = train(int(repeats), int(size)) if what == "training" else draw(int(repeats))
    Path(__file__).with_name(f"results_sean_{what}.md").write_text("\n".join([
        "# SEAN and SEAN-CLADE against the published formulation\n",
        f"{machine()}, torch {torch.__version__}, float32, one thread; published widths, {CLASSES} classes, batch 1, a "
        f"label map never seen before. Medians of {repeats} alternating runs in one process, in seconds of the "
        f"processor. `python bench/sean.py {what} {repeats} {size}` wrote this page.\n", made, ""]))


if __name__ == "__main__":
    main()
