"""Measure the fast path against the published formulation: python bench/run.py [quick], writes bench/results.md."""

from __future__ import annotations

import platform
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch
from labels import pipeline
from maps import checkerboard, median_map, noise
from measure import alternate, peak_bytes, saved_bytes
from published import PublishedGenerator
from torch import Tensor

from semsynth.discriminators.patchgan import MultiscaleDiscriminator
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE
from semsynth.norms.spade import SPADE
from semsynth.semantics import Semantics

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
NORMS: dict[str, Any] = {"SPADE": SPADE, "CLADE": CLADE}
RESULTS = Path(__file__).with_name("results.md")


def prepared(network: Any, labels: Tensor, classes: int) -> Semantics:
    """Label maps ready for a network, made anew as for a new batch."""
    return Semantics(labels, classes).prepare(network.feature_sizes(*labels.shape[1:])).to(DEVICE)


def build(norm: str, size: int, ngf: int, classes: int) -> SPADEGenerator:
    """A generator at its initial weights; SPADE's hidden width shrinks with small ones, as in the scenes recipe."""
    factory = partial(SPADE, hidden=128 if ngf == 64 else 32) if norm == "SPADE" else NORMS[norm]
    return SPADEGenerator(factory, classes, size=(size, size), ngf=ngf).to(DEVICE)


def inference(norm: str, labels: Tensor, classes: int, ngf: int, repeats: int) -> list[str]:
    """A row: published, fast with a new label map, fast with one seen before."""
    network = build(norm, labels.shape[-1], ngf, classes).eval()
    plain, folded = PublishedGenerator(network, classes), network.optimize_for_inference()
    known, on_device = prepared(network, labels, classes), labels.to(DEVICE)
    with torch.inference_mode():
        expected = plain(on_device)
        error = ((folded(known) - expected).abs().max() / expected.abs().max()).item()
        calls = [lambda: plain(on_device), lambda: folded(prepared(network, labels, classes)), lambda: folded(known)]
        published, new, seen = alternate(calls, repeats)
        memory = [peak_bytes(call) for call in calls[:2]]
    return [f"{published * 1e3:.0f}", f"{new * 1e3:.0f}", f"{published / new:.2f}", f"{published / seen:.2f}",
            f"{error:.0e}", *("-" if m is None else f"{m / 2 ** 20:.0f}" for m in memory)]


def training(norm: str, labels: Tensor, classes: int, ngf: int, repeats: int) -> list[str]:
    """A row: G and D iterations as published, fast in the published order, and with the fake drawn once."""
    network = build(norm, labels.shape[-1], ngf, classes)
    judge = MultiscaleDiscriminator(classes, ndf=64 if ngf == 64 else 32).to(DEVICE)
    plain, on_device = PublishedGenerator(network, classes), labels.to(DEVICE)
    real = torch.rand(len(labels), 3, *labels.shape[1:], device=DEVICE) * 2 - 1

    def hinge(semantics: Semantics, fake: Tensor, sign: int) -> None:
        scales = judge(semantics, torch.cat([fake, real]))
        loss = torch.stack([s[-1].chunk(2)[0].mul(sign).add(1).relu().mean() for s in scales]).mean()
        for maps in scales:
            for m in maps[:-1]:
                of_fake, of_real = m.chunk(2)
                loss = loss + (of_fake - of_real).abs().mean()
        loss.backward()

    def iteration(fast: bool, once: bool) -> None:
        semantics = prepared(network, labels, classes) if fast else Semantics(on_device, classes)

        def draw() -> Tensor:
            return network(semantics) if fast else plain(on_device)

        judge.requires_grad_(False)
        fake = draw()
        hinge(semantics, fake, -1)
        judge.requires_grad_(True)
        if not once:
            with torch.no_grad():
                fake = draw()
        hinge(semantics, fake.detach(), 1)

    semantics = prepared(network, labels, classes)
    kept = [saved_bytes(f, network) for f in (lambda: plain(on_device), lambda: network(semantics))]
    times = alternate([lambda: plain(on_device).mean().backward(), lambda: network(prepared(
        network, labels, classes)).mean().backward(), lambda: iteration(False, False), lambda: iteration(True, False),
        lambda: iteration(True, True)], repeats)
    return [f"{times[0] * 1e3:.0f}", f"{times[0] / times[1]:.2f}", f"{times[2] * 1e3:.0f}",
            f"{times[2] / times[3]:.2f}", f"{times[2] / times[4]:.2f}", f"{kept[0] / 2 ** 20:.0f}",
            f"{kept[1] / kept[0]:.2f}"]


def machine() -> str:
    """What this runs on."""
    if DEVICE == "cuda":
        return torch.cuda.get_device_name()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"


def between_norms(rows: list[list[str]]) -> str:
    """Fast SPADE's time over fast CLADE's for every case."""
    fast = {(row[0], *row[1:4]): float(row[5]) for row in rows}
    cases = [case[1:] for case in fast if case[0] == "SPADE"]
    ratios = [f"{fast['SPADE', *case] / fast['CLADE', *case]:.2f} ({case[2]}, {case[0]})" for case in cases]
    return f"Fast SPADE's time over fast CLADE's: {', '.join(ratios)}."


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    """Run all cases and write the page."""
    quick = sys.argv[1:] == ["quick"]
    sizes = [(64, 16, 8), (128, 16, 1)] + ([] if quick else [(256, 64, 16 if DEVICE == "cuda" else 1)])
    page = [f"# Fast path against the published formulation\n\n{machine()}, torch {torch.__version__}, float32, eager. "
            "Medians of alternating runs in one process, milliseconds; ratios are published / fast, more is faster. "
            f"`make bench{' ARGS=quick' * quick}` wrote this page.\n", *pipeline()]
    for threads in ([1] if quick or DEVICE == "cuda" else [1, 2]):
        torch.set_num_threads(threads)
        drawn, trained = [], []
        for size, ngf, count in sizes:
            repeats = 3 if ngf == 64 else 5
            labels, classes, source = median_map(size, count)
            kinds = {source: labels, "checkerboard": checkerboard(size, count), "noise": noise(size, count, classes)}
            for norm in NORMS:
                for kind, these in kinds.items():
                    case = [norm, f"{count}x{size}x{size}", str(ngf), kind]
                    drawn.append(case + inference(norm, these, classes, ngf, repeats))
                    print("inference", *drawn[-1], flush=True)
                trained.append([norm, f"{count}x{size}x{size}", str(ngf), source,
                                *training(norm, labels, classes, ngf, repeats)])
                print("training", *trained[-1], flush=True)
        page += [f"## Inference, {threads} thread{'s' * (threads > 1)}\n", between_norms(drawn), "", table(
            ["norm", "maps", "ngf", "labels", "published ms", "fast ms", "ratio", "ratio, map seen before",
             "largest difference, relative", "peak MiB published", "peak MiB fast"], drawn), ""]
        page += [f"## Training, {threads} thread{'s' * (threads > 1)}\n", table(
            ["norm", "maps", "ngf", "labels", "G forward + backward, published ms", "ratio",
             "G + D iteration, published ms", "ratio, published order", "ratio, fake drawn once",
             "kept for backward, published MiB", "kept, fast / published"], trained), ""]
        RESULTS.write_text("\n".join(page))
    print(f"wrote {RESULTS}")


if __name__ == "__main__":
    main()
