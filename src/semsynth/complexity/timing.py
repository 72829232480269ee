"""Time for an image, and how much of it is spent in norm layers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import nn

from semsynth.complexity.released.block import ReleasedNorm
from semsynth.interfaces import Generator, Network
from semsynth.norms.base import Norm
from semsynth.semantics import Semantics

T = TypeVar("T")


class Progress(Protocol):
    """Wraps an iteration and shows how far it has come."""

    def __call__(self, items: Iterable[T], title: str, /) -> Iterable[T]:
        """The same items."""


PRECISIONS: dict[str, torch.dtype | None] = {"32-true": None, "bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """The context of one of Lightning's precisions.

    Raises:
        ValueError: a precision that is not measured.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"trainer.precision={precision} is not measured: take {', '.join(PRECISIONS)}")
    dtype = PRECISIONS[precision]
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype)


@dataclass(frozen=True)
class Timing:
    """Seconds for one image.

    Attributes:
        median: over the repeats.
        spread: distance between the quartiles of the repeats.
        norm: median of the time inside norm layers, preparing the label maps included (the published networks do that
            in the norms); None where it was not taken apart.
        backbone: median of the rest; norm + backbone is measured with hooks and may exceed ``median`` a little.
        labels: median of the time that preparing the label maps takes.
        processor: median of the CPU time of all threads of this process; with one thread about what ``median`` would be
            if nothing else ran on the machine.
        repeats: number of measurements.
    """

    median: float
    spread: float
    norm: float | None
    backbone: float | None
    labels: float
    processor: float
    repeats: int


class Clock:
    """Reads the time on a device: wall-clock on the CPU, and on CUDA after the work before it is done."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def __call__(self) -> float:
        """Seconds from some fixed moment."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


def norm_layers(network: Network) -> list[nn.Module]:
    """The norms of a network that read label maps, those that run."""
    modules = list(network.modules())
    # a published one holds the norm of ours that it takes its weights from, which does not run
    published: list[nn.Module] = [m for m in modules if isinstance(m, ReleasedNorm)]
    return published or [m for m in modules if isinstance(m, Norm)]


class NormTime:
    """Adds up the time spent in a network's norm layers while it is entered as a context.

    On CUDA every boundary waits for the device, so that the total is somewhat above that of an undisturbed pass.
    """

    def __init__(self, network: Network, clock: Clock) -> None:
        self.norms = norm_layers(network)
        self.clock, self.seconds, self.calls = clock, 0.0, 0
        self._began = 0.0

    def _start(self, *_: object) -> None:
        self._began = self.clock()

    def _stop(self, *_: object) -> None:
        self.seconds += self.clock() - self._began
        self.calls += 1

    @contextmanager
    def watching(self) -> Iterator[NormTime]:
        """Count from zero inside."""
        self.seconds, self.calls = 0.0, 0
        handles = [h for norm in self.norms
                   for h in (norm.register_forward_pre_hook(self._start), norm.register_forward_hook(self._stop))]
        try:
            yield self
        finally:
            for handle in handles:
                handle.remove()


@torch.inference_mode()
def time_generator(generator: Generator, maps: Sequence[Callable[[], Semantics]], *, device: torch.device,
                   precision: str = "32-true", split: bool = True, warmup: int = 1,
                   progress: Progress | None = None) -> Timing:
    """Time the generator in evaluation mode.

    Each repeat draws another batch, so that nothing kept from one label map helps the next. Style vectors are drawn
    inside the forward pass.

    Args:
        generator: on ``device``.
        maps: makers of a batch of label maps on ``device``, all of one size: the first ``warmup`` are not counted.
        device: where to run.
        precision: a key of :data:`PRECISIONS`.
        split: run each batch a second time with hooks, to take the norms' time apart.
        warmup: batches before the measurement.
        progress: shows how far it has come.

    Raises:
        ValueError: no map is left to measure, or an unknown precision.
    """
    if len(maps) <= warmup:
        raise ValueError(f"{len(maps)} batches leave nothing to measure after a warm-up of {warmup}")
    generator.eval()
    clock = Clock(device)
    inside = NormTime(generator, clock)
    totals: list[float] = []
    labels: list[float] = []
    norms: list[float] = []
    rests: list[float] = []
    processor: list[float] = []

    def once(make: Callable[[], Semantics]) -> tuple[float, float, int]:
        semantics = make()
        sizes = generator.readings(*semantics.size)
        began = clock()
        semantics.prepare(sizes)
        prepared = clock()
        with autocast(device, precision):
            generator(semantics)
        return clock() - began, prepared - began, len(semantics)

    items = enumerate(maps)
    for index, make in progress(items, "time") if progress else items:
        before = time.process_time()
        total, label, images = once(make)
        if index < warmup:
            continue
        processor.append((time.process_time() - before) / images)
        totals.append(total / images)
        labels.append(label / images)
        if split:
            with inside.watching():
                total, label, _ = once(make)
            if inside.norms and inside.calls == len(inside.norms):  # else it has none, or computes them in another way
                norms.append((inside.seconds + label) / images)
                rests.append((total - inside.seconds - label) / images)
    return Timing(statistics.median(totals), spread(totals), statistics.median(norms) if norms else None,
                  statistics.median(rests) if rests else None, statistics.median(labels), statistics.median(processor),
                  len(totals))


def spread(values: Sequence[float]) -> float:
    """Distance between the quartiles; 0 for one value."""
    if len(values) < 2:
        return 0.0
    quartiles = statistics.quantiles(values, n=4, method="inclusive")
    return quartiles[2] - quartiles[0]
