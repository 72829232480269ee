"""A device to measure on: what it is, milliseconds by its own clock, memory, and the time that is left."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from measure import peak_bytes
from networks import DEVICE
from torch import nn

CUDA = DEVICE == "cuda"
SAMPLE = 0.03  # seconds that a sample lasts at least, where calls are quick: so many calls follow each other


@dataclass(frozen=True)
class Setting:
    """How large everything is."""

    size: int
    ngf: int
    batch: int
    rounds: int
    backend: str | None  # of torch.compile; None: nothing is compiled

    @property
    def small(self) -> bool:
        """Whether this only tries the script."""
        return self.backend != "inductor"

    def compiled(self, network: nn.Module) -> Any:
        """What any user writes: ``torch.compile``."""
        return network if self.backend is None else torch.compile(network, backend=self.backend)


FULL = Setting(256, 64, 16, 12, "inductor")
SMALL = Setting(32, 4, 2, 1, None)


@dataclass
class Call:
    """Something to be timed under a name; ``compiles`` where its first call takes a compiler's time."""

    name: str
    run: Callable[[], object]
    compiles: bool = False


@dataclass
class Timed:
    """Seconds of the first call, median milliseconds of the others, MiB at most beyond what was there before."""

    first: float
    milliseconds: float
    peak: float | None

    def cells(self) -> list[str]:
        """For a table: milliseconds, MiB, seconds."""
        return [f"{self.milliseconds:.1f}", "-" if self.peak is None else f"{self.peak:.0f}", f"{self.first:.1f}"]


def synchronize() -> None:
    """Wait for the device."""
    if CUDA:
        torch.cuda.synchronize()


def milliseconds(run: Callable[[], object], times: int) -> float:
    """Milliseconds of a call, of so many in a row, from an idle device on."""
    synchronize()
    if not CUDA:
        start = time.perf_counter()
        for _ in range(times):
            run()
        return (time.perf_counter() - start) * 1e3 / times
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for _ in range(times):
        run()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) / times


def alternate(calls: Sequence[Call], rounds: int, deadline: float, together: bool = True) -> dict[str, Timed | str]:
    """Times of calls that take turns, those that compile first; for one that fails or does not fit, why.

    Args:
        calls: What is called, in the order of the page.
        rounds: Samples of each, fewer where time runs out.
        deadline: By :func:`time.monotonic`; what has not begun by then is left out.
        together: Whether quick calls follow each other in a sample, without waiting for the device between them.
    """
    found: dict[str, Timed | str] = {call.name: "no time left" for call in calls}
    ready: list[tuple[Call, int, Timed, list[float]]] = []
    for call in sorted(calls, key=lambda call: not call.compiles):
        if time.monotonic() > deadline:
            continue
        try:
            first = milliseconds(call.run, 1) / 1e3
            peak = peak_bytes(call.run)
            each = milliseconds(call.run, 1) / 1e3
        except Exception as error:  # one that fails leaves the others
            found[call.name] = f"failed: {in_short(error)}"
            continue
        times = max(1, min(10, round(SAMPLE / each))) if together else 1
        ready.append((call, times, Timed(first, 0, peak and peak / 2 ** 20), []))
    for _ in range(rounds):
        for call, times, _, samples in ready:
            if not samples or time.monotonic() < deadline:
                samples.append(milliseconds(call.run, times))
    for call, _, timed, samples in ready:
        timed.milliseconds = statistics.median(samples)
        found[call.name] = timed
    if CUDA:
        torch.cuda.empty_cache()
    return found


def in_short(error: BaseException) -> str:
    """An exception in a line that fits a table."""
    text = f"{type(error).__name__}: {str(error).strip()}".splitlines()[0].replace("|", "/")
    return text if len(text) < 200 else f"{text[:200]}..."


def facts() -> list[str]:
    """The device, the libraries and the precisions of float32."""
    try:
        import triton
        compiler = f"triton {triton.__version__}"
    except ImportError:
        compiler = "no triton"
    if not CUDA:
        return [f"A CPU, torch {torch.__version__}, {compiler}: this only tries the script, its times mean nothing."]
    card = torch.cuda.get_device_properties(0)
    return [f"{card.name} ({card.total_memory / 2 ** 30:.0f} GiB, {card.multi_processor_count} multiprocessors), torch "
            f"{torch.__version__}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}, {compiler}."]


def precisions() -> str:
    """How float32 is multiplied now."""
    return (f"cuDNN TF32 {'on' if torch.backends.cudnn.allow_tf32 else 'off'}, matmul precision "
            f"`{torch.get_float32_matmul_precision()}`")
