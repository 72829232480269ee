"""A segmenter as one file: the weights, and in the metadata everything that is needed to use them."""

import importlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from semsynth.errors import SegmenterError
from semsynth.segmenters.preprocessing import Preprocessing

NETWORKS = "semsynth.segmenters."  # a file may name networks that are written below this package only
METADATA = "judge"  # key of the JSON in a file's metadata
FORMAT = 1


def read_about(path: str | Path) -> dict[str, Any]:
    """Read what a segmenter's file says of itself.

    Raises:
        SegmenterError: there is no such file, or it is none that `save_judge` wrote.
    """
    path = Path(path)
    if not path.is_file():
        raise SegmenterError(f"{path}: there is no such segmenter file")
    way_out = ("train one with python tools/train_segmenter.py dataset=... output=FILE.safetensors; a published .pth "
               "is loaded by its own choice of segmenter, as in segmenter=upernet101 segmenter.weights=FILE.pth")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        about = json.loads(metadata[METADATA])
    except (SafetensorError, KeyError, OSError, json.JSONDecodeError) as error:
        raise SegmenterError(f"{path} is no segmenter file, or a damaged one: {way_out}") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
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
    if path.suffix != ".safetensors":
        raise SegmenterError(f"{path}: a segmenter is kept in a file whose name ends in .safetensors")
    if not dotted.startswith(NETWORKS):
        raise SegmenterError(f"{dotted} cannot be kept: only networks of {NETWORKS.rstrip('.')} are loaded again")
    about = {"format": FORMAT, "name": name, "network": dotted, "arguments": dict(arguments),
             "preprocessing": (preprocessing or Preprocessing()).as_dict(), "classes": list(classes),
             "class_map": None if class_map is None else list(class_map), "ignore": ignore, **facts}
    tensors = {key: (value.to(dtype) if value.is_floating_point() and value.ndim > 1 else value).cpu().contiguous()
               for key, value in network.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(save(tensors, {METADATA: json.dumps(about)}))  # save_file would let the owner alone read it
    os.replace(partial, path)


def network_class(dotted: str, path: Path) -> Any:
    """The class of a dotted name below `semsynth.segmenters`: a file must not import anything else.

    Raises:
        SegmenterError: the name is elsewhere, or names no network; `path` is the file that asks for it.
    """
    module, _, name = dotted.rpartition(".")
    if not dotted.startswith(NETWORKS) or not all(part.isidentifier() for part in dotted.split(".")):
        raise SegmenterError(f"{path}: names the network {dotted}, which is not below {NETWORKS.rstrip('.')}")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise SegmenterError(f"{path}: there is no network {dotted}; was the file written by a newer "
                             "version?") from error
    if not (isinstance(found, type) and issubclass(found, nn.Module) and found.__module__ == module):
        raise SegmenterError(f"{path}: {dotted} is no network")
    return found
