"""Times that alternate in one process, and memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn


def alternate(functions: Sequence[Callable[[], object]], repeats: int,
              clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """Median seconds of each function, called in turn, so that a busy machine disturbs all alike."""
    cuda = torch.cuda.is_available()
    times: list[list[float]] = [[] for _ in functions]
    for repeat in range(repeats + 1):
        for function, kept in zip(functions, times, strict=True):
            start = clock()
            function()
            if cuda:
                torch.cuda.synchronize()
            if repeat:  # the first call warms up
                kept.append(clock() - start)
    return [statistics.median(kept) for kept in times]


def saved_bytes(forward: Callable[[], object], network: nn.Module) -> int:
    """Bytes kept for the backward pass: unique storages that are no parameters."""
    own = {p.untyped_storage().data_ptr() for p in network.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        out = forward()
    del out
    return sum(kept.values())


def peak_bytes(function: Callable[[], object]) -> int | None:
    """Most memory in use during a call beyond what was in use before; None where the system does not tell."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        function()
        return torch.cuda.max_memory_allocated() - before
    try:
        Path("/proc/self/clear_refs").write_text("5")
        before = _status("VmRSS")
        function()
        return _status("VmHWM") - before
    except OSError:
        return None


def _status(key: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {key}")
