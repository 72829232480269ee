"""The pages of bench/by_region.py: ratios of times, on a GPU also against what torch.compile makes of the formula."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from card import FULL, SMALL, Timed, alternate, facts, precisions
from maps import median_map, noise
from regions import CLASSES, NETWORKS, PEER, PUBLISHED, TARGETS, build, drawing, on_gpu, training
from run import machine, table

HEADS = ["network", "labels", "published s", "fast s", "ratio", "target", "largest difference, relative"]
TRAINED = ["network", "labels", "published s", "fast s", "ratio", "published MB", "fast MB", "share"]
ON_GPU = ["network", "call", "ms", "peak MiB", "first call, s", "times as fast as published fp32",
          "as plain compiled bf16"]


Rows = list[list[str]]


def draw(names: list[str], repeats: int, size: int, quick: bool) -> Iterator[Rows]:
    """The rows of drawing on a CPU, a network's at a time."""
    labels, _, source = median_map(size, 1)
    kinds = {f"{source}, ids modulo {CLASSES}": labels % CLASSES}
    if not quick:
        kinds["noise"] = noise(size, 1, CLASSES)
    for name in names:
        generator, rows = build(name, size=(size, size)), []
        for kind, these in kinds.items():
            (plain, fast), difference = drawing(generator, these, repeats, time.process_time)
            aim = f">= {TARGETS[name]:g}" if name in TARGETS and kind != "noise" else ""
            rows.append([name, kind, f"{plain:.2f}", f"{fast:.2f}", f"{plain / fast:.2f}", aim, f"{difference:.0e}"])
        yield rows


def train(names: list[str], repeats: int, size: int) -> Iterator[Rows]:
    """The rows of a generator's forward and backward pass on a CPU, a network's at a time."""
    labels, _, source = median_map(size, 1)
    for name in names:
        (plain, fast), kept = training(build(name, size=(size, size)), labels % CLASSES, repeats, time.process_time)
        yield [[name, f"{source}, ids modulo {CLASSES}", f"{plain:.2f}", f"{fast:.2f}", f"{plain / fast:.2f}",
                *(f"{of / 1e6:.0f}" for of in kept), f"{kept[1] / kept[0]:.2f}"]]


def cpu(names: list[str], given: dict[str, str], words: list[str], page: Path) -> None:
    """Measure on a CPU; the page is written after every network."""
    trains, repeats = "training" in words, int(given.get("repeats", 2))
    size = int(given.get("size", 128 if trains else 256))
    torch.set_num_threads(1)
    rows: Rows = []
    for found in train(names, repeats, size) if trains else draw(names, repeats, size, "quick" in words):
        rows += found
        for row in found:
            print(*row, flush=True)
        doing = ("Forward and backward pass of the generator; MB are kept for the backward pass" if trains else
                 "Drawing")
        load = os.getloadavg()[0]
        page.write_text("\n".join([
            "# Styles by region against the published formulation\n",
            f"{machine()}, torch {torch.__version__}, float32, one thread, load {load:.0f} at the end; published "
            f"widths, {CLASSES} classes, batch 1, a label map never seen before. Medians of {repeats} alternating runs "
            "in one process, in seconds of the processor, which other work on the machine disturbs less. "
            f"`{' '.join(['python bench/by_region.py', *words, *(f'{k}={v}' for k, v in given.items())])}` wrote this "
            "page.\n",
            f"{doing}, {size}x{size}:\n", table(TRAINED if trains else HEADS, rows), ""]))


def gpu(names: list[str], given: dict[str, str], words: list[str], page: Path) -> None:
    """Measure on a GPU: what compiles comes last, in a second round; the page is written after every network."""
    setting = replace(SMALL, backend="eager" if "traced" in words else None) if "small" in words else FULL
    size, count = int(given.get("size", setting.size)), int(given.get("batch", setting.batch))
    deadline = time.monotonic() + float(given.get("seconds", 60))
    torch.backends.cuda.matmul.allow_tf32 = True
    labels, _, source = median_map(size, count)
    found: dict[str, dict[str, Timed | str]] = {name: {} for name in names}
    doing = "Forward and backward pass of the generator" if "training" in words else "Drawing"
    for compiling in (False, True):
        for name in names:
            if time.monotonic() > deadline:
                found[name].setdefault(PEER if compiling else PUBLISHED, "no time left")
                continue
            calls = on_gpu(name, labels % CLASSES, setting, train="training" in words)
            if compiling:
                calls = [call for call in calls if call.compiles]
            else:
                calls = [call for call in calls if not call.compiles]
            found[name] |= alternate(calls, int(given.get("repeats", setting.rounds)), deadline)
            del calls
            page.write_text("\n".join([
                "# Styles by region on a GPU, against the published formulation\n", *facts(), precisions() + ".",
                f"{doing}, {count}x{size}x{size}, {source} maps with ids modulo {CLASSES}, published widths. Medians "
                "of calls that take turns in one process, milliseconds of the device's clock. `published` loops over "
                "pictures and classes where the released code does; `plain` is our generator by its formula at every "
                "pixel, all at once, `compiled` is `torch.compile` of that, both under autocast.", "",
                table(ON_GPU, [row for name, timed in found.items() for row in _rows(name, timed)]), ""]))
            print(name, found[name], flush=True)


def _rows(name: str, found: dict[str, Timed | str]) -> list[list[str]]:
    against = [found.get(key) for key in (PUBLISHED, PEER)]
    rows = []
    for call, timed in found.items():
        if not isinstance(timed, Timed):
            rows.append([name, call, timed, *[""] * (len(ON_GPU) - 3)])
            continue
        ratios = [f"{other.milliseconds / timed.milliseconds:.2f}" if isinstance(other, Timed) else "-"
                  for other in against]
        rows.append([name, call, *timed.cells(), *ratios])
    return rows


def main(arguments: list[str]) -> None:
    """Measure and write a page."""
    given, words = dict(a.split("=", 1) for a in arguments if "=" in a), [a for a in arguments if "=" not in a]
    names = given.get("networks", ",".join(NETWORKS)).split(",")
    on_card = given.get("device") == "cuda"
    file = f"results_regions{'_training' * ('training' in words)}{'_cuda' * on_card}.md"
    page = Path(given.get("page", Path(__file__).with_name(file)))
    (gpu if on_card else cpu)(names, given, words, page)
    print(f"wrote {page}")
