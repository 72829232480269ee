"""The one reader of files of tensors, whoever wrote them: it runs nothing in them, and says in words what is wrong."""

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

from semsynth.errors import TensorFileError

WRAPPERS = ("state_dict", "model_state_dict", "model")  # what training scripts put around a state dict
EXPECTED = "expected a state dict, as torch.save(net.state_dict(), FILE) writes it"
# what torch's and pickle's readers raise on a file that is cut off, damaged or something else
FAULTS = (SafetensorError, RuntimeError, EOFError, OSError, zipfile.BadZipFile, zlib.error, struct.error, LookupError,
          ValueError, TypeError, AttributeError, AssertionError, MemoryError, RecursionError)


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_content(path: Path, mapped: bool = False) -> Any:
    """What a file of PyTorch or a `.safetensors` file holds, on the CPU: only tensors and plain containers.

    Args:
        path: The file.
        mapped: Read of a file of PyTorch what is looked at alone; for its plain values, beside large tensors.

    Raises:
        TensorFileError: there is no such file, or it is damaged, cut off, something else, or could run code.
    """
    if not path.is_file():
        raise TensorFileError(f"{path}: there is no such file")
    _refuse_others(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, "cpu", weights_only=True, mmap=mapped or None)
    except pickle.UnpicklingError as error:
        raise TensorFileError(_distrusted(path, str(error))) from None
    except FAULTS as error:
        reason = str(error).splitlines()[0][:150] if str(error) else type(error).__name__
        raise TensorFileError(f"{path} cannot be read: it is damaged, cut off, or no file of PyTorch ({reason})") \
            from None


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The state dict in a file, plain or wrapped, with finite numbers.

    A leading `module.` of all keys, which DataParallel leaves, is taken off.

    Raises:
        TensorFileError: as `read_content`, or the file holds something else.
    """
    content = read_content(path)
    for key in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not content:
        what = f"a {type(content).__name__}" if not isinstance(content, Mapping) else "an empty dictionary"
        raise TensorFileError(f"{path} holds {what}: {EXPECTED}")
    other = next((key for key, value in content.items() if not isinstance(key, str) or not isinstance(value, Tensor)),
                 None)
    if other is not None:
        raise TensorFileError(f"{path} holds {type(content[other]).__name__} under {str(other)[:60]!r}: {EXPECTED}")
    _refuse_inventions(content, path)
    refuse_not_finite(content, path)
    if all(key.startswith("module.") for key in content):
        return {key.removeprefix("module."): value for key, value in content.items()}
    return dict(content)


def refuse_not_finite(state: Mapping[str, Tensor], path: Path) -> None:
    """Refuse weights of NaN or infinity: whatever is made with them is NaN.

    Raises:
        TensorFileError: names the first such tensor.
    """
    bad = [key for key, value in state.items() if value.is_floating_point() and not _finite(value)]
    if bad:
        raise TensorFileError(f"{path}: {len(bad)} of {len(state)} tensors hold NaN or infinite numbers, the first is "
                              f"{bad[0]}: nothing can be made with them. A training that diverged leaves such")


def _finite(value: Tensor) -> bool:
    if value.element_size() == 1:  # torch.isfinite knows no floats of 8 bits
        value = value.float()
    return bool(value.isfinite().all())


def _refuse_others(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        raise TensorFileError(f"{path} is empty")
    if head[:2] == b"\x1f\x8b" or head[257:262] == b"ustar":
        raise TensorFileError(f"{path} is an archive: unpack it and give the folder of one model")
    if head.lstrip()[:1] == b"<":
        raise TensorFileError(f"{path} is a web page, no file of weights: the download led to another page")
    if zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
        except FAULTS:
            return  # torch says what is wrong
        if not stored:
            raise TensorFileError(f"{path} holds compressed entries, which torch.save never writes: {EXPECTED}")


def _distrusted(path: Path, reason: str) -> str:
    found = re.search(r"GLOBAL ([\w.]+\w)", reason) \
        or re.search(r"(?:class|function|global)\s+([\w.]+\.[\w.]+)", reason)
    if found is None:
        return f"{path} cannot be read: it is damaged, cut off, or no file of PyTorch; {EXPECTED}"
    return (f"{path} is refused: besides tensors it holds {found[1]}, and loading that could run code (or it is cut "
            f"off in a name). {EXPECTED}. (Options are read from opt.txt, never from a pickle.)")


def _refuse_inventions(state: Mapping[str, Tensor], path: Path) -> None:
    """Tensors that are no plain arrays of numbers, or larger than the file that they are said to come from."""
    stored, size = 0, path.stat().st_size
    for key, value in state.items():
        if value.layout is not torch.strided or value.is_quantized or value.is_complex() or value.is_meta:
            raise TensorFileError(f"{path}: {key} is no plain tensor of real numbers")
        stored += value.numel() * value.element_size()
    if stored > size:
        raise TensorFileError(f"{path} claims {stored} bytes of numbers in a file of {size}: {EXPECTED}")
