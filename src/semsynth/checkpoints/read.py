"""Reading somebody's file of weights without trusting it."""

from __future__ import annotations

import hashlib
import pickle
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from semsynth.checkpoints.errors import CheckpointError

WRAPPERS = ("state_dict", "model_state_dict", "model")  # what training scripts put around a state dict
EXPECTED = "expected a state dict, as torch.save(net.state_dict(), FILE) writes it"
_MODERN = ((".parametrizations.weight.original", ".weight_orig"), (".parametrizations.weight.0._u", ".weight_u"),
           (".parametrizations.weight.0._v", ".weight_v"))


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.pth` or `.safetensors` file, on the CPU, with the names that released code gives them.

    Nothing in the file is run: only tensors and plain containers are rebuilt. What `DataParallel` puts before names is
    taken off, and spectral norms as newer PyTorch names them get the older names.

    Raises:
        CheckpointError: there is no such file, or it holds something else than a state dict.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such file")
    size = path.stat().st_size
    _refuse_archives(path, size)
    try:
        content: Any = load_file(path) if path.suffix == ".safetensors" else _unpickled(path)
    except CheckpointError:
        raise
    except pickle.UnpicklingError as error:
        raise CheckpointError(_distrusted(path, str(error))) from None
    except (SafetensorError, RuntimeError, EOFError, OSError, zipfile.BadZipFile, zlib.error, struct.error, LookupError,
            ValueError, TypeError, AttributeError, AssertionError, MemoryError, RecursionError) as error:
        reason = str(error).splitlines()[0][:150] if str(error) else type(error).__name__
        raise CheckpointError(f"{path} cannot be read: it is damaged, cut off, or no file of PyTorch ({reason}); "
                              f"download it again") from None
    state = _state_dict(content, path)
    _refuse_inventions(state, path, size)
    if all(key.startswith("module.") for key in state):
        state = {key.removeprefix("module."): value for key, value in state.items()}
    return {_older_name(key): value for key, value in state.items()}


def _unpickled(path: Path) -> Any:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise CheckpointError(f"{path} holds compressed entries, which torch.save never writes: {EXPECTED}")
    return torch.load(path, map_location="cpu", weights_only=True)


def _refuse_archives(path: Path, size: int) -> None:
    with path.open("rb") as file:
        head = file.read(512)
    if size == 0:
        raise CheckpointError(f"{path} is empty: download it again")
    if head[:2] == b"\x1f\x8b" or head[257:262] == b"ustar":
        raise CheckpointError(f"{path} is an archive: unpack it and give the folder of one model")
    if head.lstrip()[:1] == b"<":
        raise CheckpointError(f"{path} is a web page, no file of weights: the download led to another page")


def _distrusted(path: Path, reason: str) -> str:
    found = re.search(r"GLOBAL ([\w.]+)", reason) or re.search(r"(?:class|function|global)\s+([\w.]+\.[\w.]+)", reason)
    if found is None:
        return f"{path} cannot be read: it is damaged, or no file of PyTorch; {EXPECTED}"
    return (f"{path} is refused: besides tensors it holds {found[1]}, and loading that could run code. {EXPECTED}. "
            "(Options are read from opt.txt, never from a pickle.)")


def _state_dict(content: Any, path: Path) -> dict[str, Tensor]:
    for key in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not content:
        what = f"a {type(content).__name__}" if not isinstance(content, Mapping) else "an empty dictionary"
        raise CheckpointError(f"{path} holds {what}: {EXPECTED}")
    other = next((key for key, value in content.items() if not isinstance(key, str) or not isinstance(value, Tensor)),
                 None)
    if other is not None:
        raise CheckpointError(f"{path} holds {type(content[other]).__name__} under {str(other)[:60]!r}: {EXPECTED}")
    return dict(content)


def _refuse_inventions(state: Mapping[str, Tensor], path: Path, size: int) -> None:
    """Tensors that are no plain arrays of numbers, or larger than the file that they are said to come from."""
    stored = 0
    for key, value in state.items():
        if value.layout is not torch.strided or value.is_quantized or value.is_complex() or value.is_meta:
            raise CheckpointError(f"{path}: {key} is no plain tensor of real numbers")
        stored += value.numel() * value.element_size()
    if stored > size:
        raise CheckpointError(f"{path} claims {stored} bytes of numbers in a file of {size}: {EXPECTED}")


def _older_name(key: str) -> str:
    for newer, older in _MODERN:
        if key.endswith(newer):
            return key.removesuffix(newer) + older
    return key
