"""What a program file says about itself."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from semsynth.exporting.program import GeneratorProgram, Program
from semsynth.exporting.source import Source

MEANING = {
    "labels": "{labels} class ids, indices into classes",
    "z": "float32 style vector: drawn from N(0,1), or the mean that the encoder gives",
    "edges": "float32, 1 where the instance id differs from that of the left, right, upper or lower pixel, else 0",
    "offsets": "float32 in [-1,1]: distance of a pixel from the centre of its connected region, downwards (channel 0) "
               "and to the right (1), over the largest of the region; see icpe",
    "image": "float32 RGB in [-1,1]",
    "mean": "float32 style vector",
    "log_variance": "float32",
}


def metadata(program: Program, source: Source) -> dict[str, str]:
    """Texts by key; all but ``network`` and those of :meth:`Source.origin` are JSON.

    ``classes``, ``colours``, ``unknown``, ``size`` ([H, W]), ``inputs`` and ``outputs`` (name, shape with "N" for the
    batch, meaning), ``icpe`` (how offsets are made; null without them).
    """
    condition = source.condition
    labels = str(program.labels).removeprefix("torch.") if isinstance(program, GeneratorProgram) else ""
    generates = isinstance(program, GeneratorProgram)
    shapes: dict[str, dict[str, tuple[int, ...]]] = {
        "inputs": program.inputs(),
        "outputs": program.outputs(),
    }
    values: dict[str, Any] = {
        "classes": condition.classes, "colours": condition.colours, "unknown": condition.unknown, "size": program.size,
        "icpe": None if condition.icpe is None else asdict(condition.icpe),
        **{key: [{"name": name, "shape": ["N", *shape], "meaning": MEANING[name].format(labels=labels)}
                 for name, shape in named.items()] for key, named in shapes.items()},
    }
    return {"network": "generator" if generates else "encoder",
            **{key: str(value) for key, value in source.origin().items() if value is not None},
            **{key: json.dumps(value) for key, value in values.items()}}
