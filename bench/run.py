"""Measure the fast path against the published formulation: python bench/run.py [quick], writes bench/results.md."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import torch
from inference import HEADS as DRAWN
from inference import between_norms, inference
from labels import pipeline
from maps import checkerboard, median_map, noise
from networks import DEVICE, NORMS
from training import HEADS as TRAINED
from training import training

RESULTS = Path(__file__).with_name("results.md")
CASE = ["norm", "maps", "ngf", "labels"]


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


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    """Run all cases and write the page."""
    quick = sys.argv[1:] == ["quick"]
    torch.backends.cuda.matmul.allow_tf32 = True
    precision = "TF32" if DEVICE == "cuda" else "float32"
    sizes = [(64, 16, 8), (128, 16, 1)] + ([] if quick else [(256, 64, 16 if DEVICE == "cuda" else 1)])
    page = [f"# Fast path against the published formulation\n\n{machine()}, torch {torch.__version__}, "
            f"{precision}. Medians of alternating runs in one process. Every ratio is the time of the published "
            f"formulation in {precision} over that of the fast path: more is faster. Eager and {precision} unless "
            "said; bfloat16 is not exact, everything else is. Rows of ngf 64 train with a VGG-19 loss. "
            f"`make bench{' ARGS=quick' * quick}` wrote this page.\n", *pipeline()]
    for threads in ([1] if quick or DEVICE == "cuda" else [1, 2]):
        torch.set_num_threads(threads)
        drawn, trained, norms = [], [], []
        for size, ngf, count in sizes:
            repeats = 3 if ngf == 64 else 5
            labels, classes, source = median_map(size, count)
            kinds = {source: labels, "checkerboard": checkerboard(size, count), "noise": noise(size, count, classes)}
            for norm in NORMS:
                for kind, these in kinds.items():
                    drawn.append([norm, f"{count}x{size}x{size}", str(ngf), kind,
                                  *inference(norm, these, classes, ngf, repeats)])
                    print("inference", *drawn[-1], flush=True)
                trained.append([norm, f"{count}x{size}x{size}", str(ngf), source,
                                *training(norm, labels, classes, ngf, repeats)])
                print("training", *trained[-1], flush=True)
            norms += [[f"{count}x{size}x{size}", str(ngf), kind, *between_norms(these, classes, ngf, repeats)]
                      for kind, these in kinds.items()]
        heading = f"{threads} thread{'s' * (threads > 1)}"
        page += [f"## Inference, {heading}\n", table(CASE + DRAWN, drawn), "",
                 "Fast SPADE's time over fast CLADE's, alternating:\n",
                 table([*CASE[1:], "eager", "compiled"], norms), "",
                 f"## Training, {heading}\n", table(CASE + TRAINED, trained), ""]
        RESULTS.write_text("\n".join(page))
    print(f"wrote {RESULTS}")


if __name__ == "__main__":
    main()
