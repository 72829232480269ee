"""The page of bench/cuda.py: its sections, within a time.

What takes a compiler's time comes last: a call that compiles takes up to a minute, and compiling beside the other
sections would take the host's time from them.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import checks
import torch
from card import CUDA, FULL, SMALL, Call, Setting, Timed, alternate, facts, in_short, precisions
from drawing import RELEASED, drawing
from hot import recorder, seen
from maps import median_map
from networks import DEVICE, NORMS
from real import Watch, rate, watched
from stepping import stepping
from targets import Measured, targets

from semsynth.complexity.weights import random_vgg
from semsynth.losses.perceptual import Perceptual

ROOT = Path(__file__).parents[1]
SHARES = {"training by configuration": 0.12, "drawing": 0.12, "training": 0.12, "checks": 0.12, "train.py": 0.17,
          "drawing, compiled": 0.1, "training, compiled": 0.25}
HEAD = "| {} | ms | peak MiB | first call, s | times as fast as released fp32 |\n|---|---|---|---|---|"
LARGE = ["dataset=scenes", "size=256", "batch=16", "generator.ngf=64", "discriminator.ndf=64", "loss=spade",
         "dataset.train_length=4096"]
TINY = ["dataset=scenes", "size=64", "batch=2", "generator.ngf=4", "discriminator.ndf=4", "data.num_workers=0",
        "dataset.train_length=64", "trainer.accelerator=cpu", "threads=1"]

maps = cache(median_map)


class Bench:
    """Runs the sections and keeps the page.

    Args:
        setting: How large everything is.
        page: The file that is written.
        minutes: For all sections together; what would begin later is left out.
    """

    def __init__(self, setting: Setting, page: Path, minutes: float) -> None:
        self.setting, self.page, self.seconds = setting, page, minutes * 60
        self.began, self.deadline = time.monotonic(), 0.0
        self.sections: dict[str, list[str]] = {}
        self.measured, self.failed = Measured(), False
        self.folder = Path(tempfile.mkdtemp(prefix="semsynth-bench-"))
        self.vgg = random_vgg(self.folder / "vgg.pth") if not setting.small else None

    def run(self) -> None:
        """All sections, each within its share of the time and what earlier ones left."""
        end = self.began
        for title, share in SHARES.items():
            end += share * self.seconds
            self.deadline = end
            lines = self.sections.setdefault(title, [])
            began = time.monotonic()
            try:
                SECTIONS[title](self, lines)
            except Exception as error:  # the other sections are worth having
                self.failed = True
                traceback.print_exc()
                lines.append(f"**Failed**: {in_short(error)}")
            lines.append(f"\nTook {time.monotonic() - began:.0f} s.")
            self.write()
            print(f"{title}: {time.monotonic() - began:.0f} s", flush=True)

    def write(self) -> None:
        """The page with what there is."""
        missing = [title for title in SHARES if title not in self.sections]
        lines = ["# On a GPU, against the released formulation", "", *facts(),
                 f"`python bench/cuda.py{' small' * self.setting.small}` wrote this page. Medians of calls that take "
                 "turns in one process; warm-up is apart (first call). `released` is our own "
                 "plain writing of what the released networks compute (semsynth.complexity.released), "
                 "with weights in channels-last memory; `compiled` is `torch.compile` of it, in training also of its "
                 "discriminator and VGG-19.", "",
                 *([f"**Cut off**: {', '.join(missing)} had no time.", ""] if missing else []),
                 "## Targets", "", *targets(self.measured), ""]
        for title, content in self.sections.items():
            lines += [f"## {title[0].upper()}{title[1:]}", "", *content, ""]
        self.page.parent.mkdir(parents=True, exist_ok=True)
        self.page.write_text("\n".join(lines))

    def late(self) -> bool:
        """Whether nothing more may begin in this section."""
        return time.monotonic() > self.deadline

    # ---- sections

    def check(self, lines: list[str]) -> None:
        """Every norm against float64 on the CPU, without TF32; then the tests that need a card."""
        torch.backends.cudnn.allow_tf32 = False
        torch.set_float32_matmul_precision("highest")
        lines += [f"Relative errors against float64 on a CPU ({precisions()}); limits in brackets.", "",
                  f"| norm | {' | '.join(f'{k} ({v:g})' for k, v in checks.LIMITS.items())} |",
                  f"|---|{'---|' * len(checks.LIMITS)}"]
        for case in checks.CASES:
            if self.late():
                lines.append(f"| {case} | no time left |")
                continue
            if self.setting.small:
                case = replace(case, size=64, ngf=4)
            try:
                found = checks.layer(case, DEVICE) | checks.generator(case, DEVICE)
            except Exception as error:
                self.failed = True
                traceback.print_exc()
                lines.append(f"| {case} | **failed**: {in_short(error)} |")
                continue
            cells = [f"{found[k]:.0e}" if found[k] <= limit else f"**{found[k]:.0e}, WRONG**"
                     for k, limit in checks.LIMITS.items()]
            self.failed |= any("WRONG" in cell for cell in cells)
            lines.append(f"| {case} | {' | '.join(cells)} |")
        if CUDA:
            lines += ["", f"`pytest -m cuda`: {self.tests()}"]

    def tests(self) -> str:
        """The last line of pytest."""
        left = max(20.0, self.deadline - time.monotonic())
        try:
            done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-m", "cuda", "tests/cuda"], cwd=ROOT,
                                  capture_output=True, text=True, timeout=left, check=False)
        except subprocess.TimeoutExpired:
            return "no time left"
        self.failed |= done.returncode not in (0, 1) or "failed" in done.stdout
        return ((done.stdout.strip() or done.stderr.strip()).splitlines() or ["nothing"])[-1]

    def draw(self, lines: list[str]) -> None:
        """Both norms, a batch and one map at a time, and the hottest kernels of a new map."""
        self.times_begin(lines, ", including the copy of labels from pinned memory to the device")
        for count in (self.setting.batch, 1):
            labels, classes, source = maps(self.setting.size, count)
            lines += ["", f"{source}, {classes} classes, {self.about(count)}:", "", HEAD.format("drawing")]
            for norm in NORMS:
                calls = drawing(norm, labels, classes, self.setting, compiling=False)
                self.measured.drawing[norm, count] = self.rows(lines, norm, calls, RELEASED, count > 1)
        labels, classes, _ = maps(self.setting.size, self.setting.batch)
        for norm in NORMS:
            call = next(c for c in drawing(norm, labels, classes, self.setting, compiling=False) if "new" in c.name)
            self.profile(lines, norm, call)

    def draw_compiled(self, lines: list[str]) -> None:
        """A batch, both norms: what torch.compile makes of the released networks, and of ours."""
        self.times_begin(lines, ", including the copy of labels from pinned memory to the device")
        labels, classes, source = maps(self.setting.size, self.setting.batch)
        lines += ["", f"{source}, {classes} classes, {self.about(self.setting.batch)}:", "", HEAD.format("drawing")]
        for norm in NORMS:
            calls = drawing(norm, labels, classes, self.setting, compiling=True)
            calls = [call for call in calls if call.compiles or call.name == RELEASED]
            self.measured.drawing.setdefault((norm, self.setting.batch), {}).update(
                self.rows(lines, norm, calls, RELEASED))

    def step(self, lines: list[str], compiling: bool = False) -> None:
        """Generator alone and whole iterations; with ``compiling`` those that compile, beside the released ones."""
        self.times_begin(lines, "")
        labels, classes, source = maps(self.setting.size, self.setting.batch)
        losses = None if self.vgg is None else Perceptual(str(self.vgg))
        lines += ["", f"{source}, {classes} classes, {self.about(self.setting.batch)}. `G` is the generator forward "
                  "and backward; an iteration is generator and discriminator with hinge, feature matching"
                  f"{' and VGG-19' if losses else ''} and Adam. Labels are prepared and on the device, as loaders "
                  "deliver them.", "", HEAD.format("training")]
        for norm in NORMS:
            calls = stepping(norm, labels, classes, self.setting, losses, compiling=compiling)
            if compiling:
                calls = [call for call in calls if call.compiles or call.name.endswith("released, fp32")]
            for kind in ("iteration", "G"):
                self.measured.training.setdefault(norm, {}).update(self.rows(
                    lines, norm, [c for c in calls if c.name.startswith(kind)], f"{kind}, released, fp32"))

    def by_configuration(self, lines: list[str]) -> None:
        """What train.py builds, within this process: milliseconds, host waits, copies, kernels."""
        precision = "bf16-mixed" if CUDA else "32-true"
        lines += ["`runs.build` of a configuration and its `fit` from the loader, scenes, "
                  f"{self.about(self.setting.batch)}, {precision}, `matmul=auto`:", ""]
        for norm in NORMS:
            for once in (True,) if self.setting.small else (True, False):
                if self.late():
                    lines.append(f"{norm}, {'drawn once' if once else 'published order'}: no time left.")
                    continue
                watch = Watch(1, 1, 1) if self.setting.small else Watch(6, 15, 4)
                overrides = [f"norm={norm.lower()}", f"system.regenerate_fake={str(not once).lower()}",
                             f"trainer.precision={precision}", *self.sizes()]
                watch = watched(overrides, self.folder / f"watched-{norm}-{once}", watch)
                self.measured.configured[norm, once] = watch
                lines += [f"{norm}, {'fake drawn once' if once else 'published order'}: {watch.milliseconds:.1f} ms a "
                          f"batch. {watch.seen.lines()[0]}", "", *(watch.seen.lines()[2:] if once else [])]
                self.write()

    def train(self, lines: list[str]) -> None:
        """Batches a second of the command itself."""
        gpu = ["trainer=gpu"] if CUDA and (ROOT / "conf" / "trainer" / "gpu.yaml").is_file() else []
        low = gpu or ["trainer.precision=bf16-mixed"]
        runs = {"make train": [], f"make train {' '.join(low)}": low,
                f"scenes 256x256, CLADE, batch 16, ngf 64, VGG-19, {' '.join(low)}": [*LARGE, self.weights(), *low],
                f"the same, SPADE, {' '.join(low)}": [*LARGE, "norm=spade", "norm.hidden=128", self.weights(), *low]}
        if self.setting.small:
            runs = {"make train, tiny": TINY}
        lines += ["`python train.py` from its loader, without validation:", "",
                  "| command | batches/s | first progress after, s |", "|---|---|---|"]
        for index, (name, overrides) in enumerate(runs.items()):
            left = (self.deadline - time.monotonic()) / (len(runs) - index)
            if left < 10:
                lines.append(f"| {name} | no time left | |")
                continue
            try:
                seconds = left if self.setting.small else min(max(left, 25), 60)
                found, first = rate(overrides, self.folder / f"run-{index}", seconds,
                                    batches=3 if self.setting.small else None)
            except RuntimeError as error:
                self.failed |= self.setting.small
                lines.append(f"| {name} | failed: {in_short(error)} | |")
                continue
            self.measured.rates[name] = found
            lines.append(f"| {name} | {found:.1f} | {first:.0f} |")
            self.write()

    # ---- what they share

    def times_begin(self, lines: list[str], besides: str) -> None:
        """Set what torch's users on a GPU set, and say so."""
        torch.backends.cudnn.allow_tf32 = True
        torch.set_float32_matmul_precision("high")
        lines.append(f"Precisions of float32: {precisions()}. Times of calls{besides}.")

    def rows(self, lines: list[str], norm: str, calls: list[Call], reference: str, together: bool = True
             ) -> dict[str, float]:
        """Time calls and add their rows; returns the milliseconds of those that have any."""
        found = alternate(calls, self.setting.rounds, self.deadline, together)
        plain = found.get(reference)
        for name, timed in found.items():
            if not isinstance(timed, Timed):
                self.failed |= timed.startswith("failed")
                lines.append(f"| {norm}, {name} | {timed} | | | |")
                continue
            ratio = f"{plain.milliseconds / timed.milliseconds:.2f}" if isinstance(plain, Timed) else "-"
            lines.append(f"| {norm}, {name} | {' | '.join(timed.cells())} | {ratio} |")
        self.write()
        return {name: timed.milliseconds for name, timed in found.items() if isinstance(timed, Timed)}

    def profile(self, lines: list[str], norm: str, call: Call) -> None:
        """The hottest kernels of a call."""
        if self.late():
            lines += ["", f"Kernels of {norm}: no time left."]
            return
        call.run()
        times = 1 if self.setting.small else 3
        with recorder() as recorded:
            for _ in range(times):
                call.run()
        lines += ["", f"{norm}, {call.name}, one call:", *seen(recorded, times).lines()]

    def about(self, count: int) -> str:
        """Batch, size and width."""
        return f"{count}x{self.setting.size}x{self.setting.size}, ngf {self.setting.ngf}"

    def sizes(self) -> list[str]:
        """Overrides of a training at the setting's size."""
        return TINY if self.setting.small else [*LARGE, self.weights()]

    def weights(self) -> str:
        """Random VGG-19 weights."""
        return f"loss.generator.perceptual.weights={self.vgg}"


SECTIONS: dict[str, Callable[[Bench, list[str]], None]] = {
    "training by configuration": Bench.by_configuration, "drawing": Bench.draw, "training": Bench.step,
    "checks": Bench.check, "train.py": Bench.train, "drawing, compiled": Bench.draw_compiled,
    "training, compiled": partial(Bench.step, compiling=True)}


def main(arguments: list[str]) -> int:
    """Run; 1 where something is wrong or failed."""
    given = dict(a.split("=", 1) for a in arguments if "=" in a)
    small = "small" in arguments
    page = Path(given.get("page", Path(tempfile.gettempdir(), "results_cuda_small.md") if small
                          else Path(__file__).with_name("results_cuda.md")))
    tiny = replace(SMALL, backend="eager") if "traced" in arguments else SMALL
    bench = Bench(tiny if small else FULL, page, float(given.get("minutes", 9)))
    bench.run()
    print(f"wrote {page}")
    return int(bench.failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
