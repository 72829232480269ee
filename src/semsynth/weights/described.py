"""Tensors in a `.safetensors` file with what is said of them: JSON in its metadata, under the kind of the file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from semsynth.errors import TensorFileError
from semsynth.weights.files import write_bytes
from semsynth.weights.tensor_files import CHECKSUM, SUFFIX, checksum, refuse_others


def save_described(path: Path, tensors: Mapping[str, Tensor], kind: str, about: Mapping[str, Any]) -> Path:
    """Write tensors with what is said of them and a checksum of both, complete or not at all; return the path.

    Args:
        path: The file; its name ends in `.safetensors`.
        tensors: By name; they may share memory.
        kind: Key in the metadata.
        about: Plain values.

    Raises:
        ValueError: another ending.
    """
    if path.suffix != SUFFIX:
        raise ValueError(f"{path}: the file's name must end in {SUFFIX}")
    # clones: the format refuses tensors that share memory
    whole = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    said = {kind: json.dumps(about)}
    said[CHECKSUM] = checksum(whole, said)
    return write_bytes(path, save(whole, said))  # save_file would let the owner alone read it


def read_about(path: Path, kind: str) -> dict[str, Any]:
    """What a file says of its tensors.

    Raises:
        TensorFileError: it is no such file, or of another kind.
    """
    refuse_others(path)
    try:
        with safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {})[kind])
    except Exception as error:  # whatever the readers raise on a file that is cut off, damaged or something else
        reason = f"it says nothing of a {kind}" if isinstance(error, KeyError) else str(error) or type(error).__name__
        raise TensorFileError(f"{path} cannot be read: {reason:.150}") from None
    if not isinstance(about, dict):
        raise TensorFileError(f"{path} cannot be read: what it says of a {kind} is no table")
    return about


def smaller(state: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """A state dict with its kernels as `dtype`; what has one dimension (biases, statistics) stays as it is."""
    return {key: value.to(dtype) if value.is_floating_point() and value.ndim > 1 else value
            for key, value in state.items()}
