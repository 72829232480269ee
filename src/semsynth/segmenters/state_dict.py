"""Reading a file of weights, and saying which of its keys do not fit a network."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from semsynth.errors import SegmenterError, TensorFileError
from semsynth.weights import loading
from semsynth.weights.tensor_files import read_tensors


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a `.pth` (a plain or wrapped state dict) or `.safetensors` file.

    Raises:
        SegmenterError: there is no such file, or it holds something else than finite tensors.
    """
    try:
        return read_tensors(Path(path))
    except TensorFileError as error:
        raise SegmenterError(str(error)) from None


def load_into(network: nn.Module, state: Mapping[str, Tensor], path: str | Path) -> None:
    """Load a state dict, as `semsynth.weights.loading.load_into`.

    Raises:
        SegmenterError: keys, shapes or kinds differ; a table of the first ones is in the message.
    """
    try:
        loading.load_into(network, state, path)
    except TensorFileError as error:
        raise SegmenterError(str(error)) from None
