"""A segmenter as one file: the weights, and in the metadata everything that is needed to use them."""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from semsynth.buildable import may_be_built
from semsynth.errors import SegmenterError, TensorFileError
from semsynth.segmenters.preprocessing import Preprocessing
from semsynth.weights import described
from semsynth.weights.tensor_files import SUFFIX

NETWORKS = "semsynth.segmenters."  # a file may name networks that are written below this package only
METADATA = "judge"  # key of the JSON in a file's metadata
FORMAT = 1


def read_about(path: str | Path) -> dict[str, Any]:
    """Read what a segmenter's file says of itself.

    Raises:
        SegmenterError: there is no such file, or it is none that `save_judge` wrote.
    """
    path = Path(path)
    way_out = ("train one with python tools/train_segmenter.py dataset=... output=FILE.safetensors; a published .pth "
               "is loaded by its own choice of segmenter, as in segmenter=upernet101 segmenter.weights=FILE.pth")
    try:
        about = described.read_about(path, METADATA)
    except TensorFileError as error:
        if not path.exists():
            raise SegmenterError(f"{path}: there is no such segmenter file") from None
        raise SegmenterError(f"{path} is no segmenter file, or a damaged one ({error}): {way_out}") from None
    if about.get("format") != FORMAT:
        raise SegmenterError(f"{path} was written by another version of semsynth (its format is not {FORMAT})")
    return about


def save_judge(
    path: str | Path,
    network: nn.Module,
    arguments: Mapping[str, Any],
    *,
    name: str,
    classes: Sequence[str],
    preprocessing: Preprocessing | None = None,
    class_map: Sequence[int | None] | None = None,
    ignore: int | None = None,
    dtype: torch.dtype = torch.float16,
    **facts: Any,
) -> None:
    """Write a segmenter as one `.safetensors` file, complete or not at all.

    Args:
        path: The file.
        network: Of this package.
        arguments: What its constructor was called with, as plain values.
        name: See `Judge`.
        classes: See `Judge`.
        preprocessing: See `Judge`.
        class_map: See `Judge`.
        ignore: See `Judge`.
        dtype: Of the kernels; what has one dimension (biases, statistics) stays float32.
        facts: More to keep, as plain values: dataset, size, scores, command.

    Raises:
        SegmenterError: the file's name does not end in `.safetensors`, or the network is not of this package.
    """
    path = Path(path)
    dotted = f"{type(network).__module__}.{type(network).__qualname__}"
    if path.suffix != SUFFIX:
        raise SegmenterError(f"{path}: a segmenter is kept in a file whose name ends in {SUFFIX}")
    if not dotted.startswith(NETWORKS):
        raise SegmenterError(f"{dotted} cannot be kept: only networks of {NETWORKS.rstrip('.')} are loaded again")
    about = {"format": FORMAT, "name": name, "network": dotted, "arguments": dict(arguments),
             "preprocessing": (preprocessing or Preprocessing()).as_dict(), "classes": list(classes),
             "class_map": None if class_map is None else list(class_map), "ignore": ignore, **facts}
    described.save_described(path, described.smaller(network.state_dict(), dtype), METADATA, about)


def network_class(dotted: str, path: Path) -> Any:
    """The class of a dotted name below `semsynth.segmenters`: a file must not import anything else.

    Raises:
        SegmenterError: the name is elsewhere, or names no network; `path` is the file that asks for it.
    """
    if not isinstance(dotted, str) or not dotted.startswith(NETWORKS):
        raise SegmenterError(f"{path}: names the network {dotted!s:.200}, which is not below {NETWORKS.rstrip('.')}")
    if not may_be_built(dotted):
        raise SegmenterError(f"{path}: there is no network {dotted:.200}; was the file written by a newer version?")
    module, _, name = dotted.rpartition(".")
    found = getattr(importlib.import_module(module), name)
    if not (isinstance(found, type) and issubclass(found, nn.Module) and found.__module__ == module):
        raise SegmenterError(f"{path}: {dotted} is no network")
    return found
