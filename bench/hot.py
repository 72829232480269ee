"""What the profiler sees: host waits, copies, and where the device spends its time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from card import CUDA
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

WAITS = ("cudaStreamSynchronize", "cudaEventSynchronize", "cudaMemcpy")  # the profiler itself ends by a device's
OUR_MARKS = ("[pl]", "Optimizer.", "ProfilerStep")  # of Lightning and torch: not kernels


@dataclass
class Seen:
    """In one call: host waits, copies to the device and from it; (name, milliseconds, launches) of the hottest."""

    waits: float = 0
    to_device: float = 0
    from_device: float = 0
    total: float = 0
    kernels: list[tuple[str, float, float]] = field(default_factory=list)

    def lines(self) -> list[str]:
        """As Markdown."""
        counts = (f"Host waits {self.waits:g}, copies to the device {self.to_device:g}, from it {self.from_device:g}; "
                  if CUDA else "")
        rows = [f"| {ms:.2f} | {launches:g} | `{name[:110]}` |" for name, ms, launches in self.kernels]
        return [f"{counts}{'device' if CUDA else 'CPU'} time {self.total:.1f} ms.", "", "| ms | launches | kernel |",
                "|---|---|---|", *rows, ""]


def recorder() -> profile:
    """A profiler of the host and the device."""
    return profile(activities=[ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * CUDA)


def seen(recorded: profile, calls: int, top: int = 10) -> Seen:
    """What a profiler has recorded of so many calls."""
    found, device = Seen(), DeviceType.CUDA if CUDA else DeviceType.CPU
    for event in recorded.key_averages():
        name, count = event.key, event.count / calls
        if event.device_type == DeviceType.CPU and name in WAITS:
            found.waits += count
        if event.device_type != device or name.startswith(OUR_MARKS) or getattr(event, "is_user_annotation", False):
            continue
        if name.startswith("Memcpy HtoD"):
            found.to_device += count
        elif name.startswith("Memcpy DtoH"):
            found.from_device += count
        found.kernels.append((name.replace("|", "/"), _own_time(event) / 1e3 / calls, count))
    found.total = sum(ms for _, ms, _ in found.kernels)
    found.kernels = sorted(found.kernels, key=lambda kernel: -kernel[1])[:top]
    return found


def _own_time(event: Any) -> float:
    return float(event.self_device_time_total if CUDA else event.self_cpu_time_total)
