"""Programs in files: ONNX, and PyTorch's own exported programs."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from semsynth.errors import ConfigError
from semsynth.exporting.half import hold_in_half
from semsynth.exporting.program import Program, traced
from semsynth.weights.files import write_bytes

METADATA_FILE = "metadata.json"  # inside a .pt2 file

Run = Callable[[Mapping[str, Tensor]], list[Tensor]]
"""A program that was read back: inputs by name -> outputs in order."""


def write_onnx(program: Program, path: Path, metadata: Mapping[str, str], half: bool = False) -> Run | None:
    """Write the program as one ONNX file; return it read back into onnxruntime, None where that is not installed.

    Args:
        program: What is written.
        path: The file.
        metadata: Texts that are kept in it.
        half: Hold the weights in float16, see `half.hold_in_half`.

    Raises:
        ConfigError: the packages that write ONNX are not installed.
    """
    missing = [name for name in ("onnx", "onnxscript") if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(f"format=onnx needs {' and '.join(missing)}: pip install semsynth[export]")
    made = torch.onnx.export(traced(program), output_names=list(program.outputs()), dynamo=True, verbose=False)
    assert made is not None
    made.model.metadata_props.update(metadata)
    model = made.model_proto
    if half:
        hold_in_half(model)
    write_bytes(path, model.SerializeToString())
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def run(inputs: Mapping[str, Tensor]) -> list[Tensor]:
        outputs = session.run(None, {name: value.numpy() for name, value in inputs.items()})
        return [torch.from_numpy(np.asarray(output)) for output in outputs]

    return run


def write_exported(program: Program, path: Path, metadata: Mapping[str, str]) -> Run:
    """Write the program for ``torch.export.load``, the metadata as JSON beside it in the file; return it read back."""
    torch.export.save(traced(program), path, extra_files={METADATA_FILE: json.dumps(dict(metadata))})
    module = torch.export.load(path).module()

    def run(inputs: Mapping[str, Tensor]) -> list[Tensor]:
        with torch.no_grad():
            outputs = module(**inputs)
        return [outputs] if isinstance(outputs, Tensor) else list(outputs)

    return run
