"""Reading somebody's released file of weights."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from semsynth.errors import CheckpointError, TensorFileError
from semsynth.weights.tensor_files import read_tensors

_MODERN = ((".parametrizations.weight.original", ".weight_orig"), (".parametrizations.weight.0._u", ".weight_u"),
           (".parametrizations.weight.0._v", ".weight_v"))


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.pth` or `.safetensors` file, on the CPU, with the names that released code gives them.

    Spectral norms as newer PyTorch names them get the older names; see `semsynth.weights.tensor_files` for the rest.

    Raises:
        CheckpointError: there is no such file, or it holds something else than a state dict of finite numbers.
    """
    try:
        return {_older_name(key): value for key, value in read_tensors(path).items()}
    except TensorFileError as error:
        raise CheckpointError(f"{error}; if it should hold a released network, download it again") from None


def _older_name(key: str) -> str:
    for newer, older in _MODERN:
        if key.endswith(newer):
            return key.removesuffix(newer) + older
    return key
