"""Costs of a network, from complexity.json into the papers' units."""

from __future__ import annotations

from typing import Any

COSTS = {"parameters": "parameters M", "flops": "FLOPs G", "runtime": "s / image", "memory": "training memory GB"}


def read_cost(complexity: dict[str, Any] | None, key: str) -> float | None:
    """A cost of `COSTS`: of the generator, except for `memory`, the peak of a training step of one image.

    Returns:
        The number; None where it was not measured. Memory includes the weights, as the papers' does.
    """
    record = complexity or {}
    if key == "parameters":
        return _scaled(record.get("parameters"), "total", 1e-6)
    if key == "flops":
        return _scaled(record.get("macs_bias"), "total", 1e-9)
    if key == "runtime":
        return _scaled(record.get("runtime"), "median_s", 1.0)
    peaks = (record.get("memory") or {}).get("training") or []
    of_one = next((peak for peak in peaks if peak.get("batch") == 1), None)
    return None if of_one is None else (of_one["peak_bytes"] + of_one["weights_bytes"]) * 1e-9


def _scaled(table: dict[str, Any] | None, key: str, factor: float) -> float | None:
    value = (table or {}).get(key)
    return None if value is None else float(value) * factor
