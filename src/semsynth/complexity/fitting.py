"""The peak memory of a GPU that a training needs, and the largest batch that fits, by a law of its tensors.

Bytes of tensors follow from the operations (`live`). What a GPU takes besides is an allowance and no measurement: the
driver's context, libraries and their work spaces, and what the allocator loses between tensors.
"""

from __future__ import annotations

from typing import Any

from semsynth.complexity.live import Law

CONTEXT = 1.0e9  # bytes of context and libraries
SHARE = 0.1  # of all tensors: work spaces of convolutions, fragments
LARGEST = 2**16  # samples

PARTS = {"weights": "weights", "average": "moving average", "states": "optimizer states",
         "fixed": "gradients and what else no sample adds to", "samples": "activations", "allowance": "allowance"}


def needed(law: Law, batch: int, average: bool) -> dict[str, int]:
    """Bytes at the peak of a training step, by `PARTS`.

    Args:
        law: Of the configuration.
        batch: Samples on the GPU at a time.
        average: Whether moving averages are kept.
    """
    fixed, each = law.at_peak(batch)
    found = {"weights": law.weights, "average": law.averaged if average else 0, "states": law.states, "fixed": fixed,
             "samples": each * batch}
    return found | {"allowance": int(CONTEXT + SHARE * sum(found.values()))}


def largest(law: Law, device: int, average: bool) -> int:
    """The largest batch that fits into so many bytes; 0: none."""
    least, most = 0, LARGEST
    while least < most:
        middle = (least + most + 1) // 2
        if sum(needed(law, middle, average).values()) <= device:
            least = middle
        else:
            most = middle - 1
    return least


def fitted(law: Law, device: int, recipe: int, average: bool) -> dict[str, Any]:
    """What a GPU of so many bytes can train: `device_bytes`, `largest_batch`, and `peaks` of it and the recipe's batch.

    Each of the peaks has its `batch`, `bytes` of each of the `PARTS`, and `total`.
    """
    batch = largest(law, device, average)
    peaks = []
    for count in sorted({recipe, batch} - {0}):
        found = needed(law, count, average)
        peaks.append({"batch": count, "bytes": found, "total": sum(found.values())})
    return {"device_bytes": device, "largest_batch": batch, "recipe_batch": recipe, "peaks": peaks}


def in_words(found: dict[str, Any]) -> list[str]:
    """The lines that say it."""
    lines = []
    for peak in found["peaks"]:
        whose = " (the recipe's, on one GPU)" if peak["batch"] == found["recipe_batch"] else ""
        parts = ", ".join(f"{words} {peak['bytes'][key] / 1e9:.2f}" for key, words in PARTS.items())
        lines.append(f"training, batch {peak['batch']}{whose} needs about {peak['total'] / 1e9:.1f} GB of a GPU "
                     f"({parts})")
    device, batch = f"{found['device_bytes'] / 1e9:.3g} GB", found["largest_batch"]
    way_out = ": generator.checkpointing=true, trainer.precision=bf16-mixed or a smaller size take less"
    lines.append(f"the largest batch that fits into {device}: batch.device={batch}" if batch else
                 f"not one sample fits into {device}{way_out}")
    return lines
