"""The one reader of files of tensors, whoever wrote them: it runs nothing in them, and says in words what is wrong."""

import hashlib
import pickle
import re
import stat
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from semsynth.errors import TensorFileError
from semsynth.weights.torch_archive import refuse_claims

WRAPPERS = ("state_dict", "model_state_dict", "model")  # what training scripts put around a state dict
EXPECTED = "expected a state dict, as torch.save(net.state_dict(), FILE) writes it"
SUFFIX = ".safetensors"
CHECKSUM = "crc32"  # in the metadata of our own `.safetensors` files: the format itself has no checksum
CONTAINERS = (Mapping, list, tuple, set, frozenset)


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_content(path: Path) -> Any:
    """What a file of PyTorch or a `.safetensors` file holds, on the CPU: only plain tensors and plain containers.

    Raises:
        TensorFileError: there is no such file, or it is damaged, cut off, something else, or could run code.
    """
    refuse_others(path)
    try:
        content = _of_safetensors(path) if path.suffix == SUFFIX else _of_torch(path)
    except pickle.UnpicklingError as error:
        raise TensorFileError(_distrusted(path, str(error))) from None
    except Exception as error:  # whatever the readers raise on a file that is cut off, damaged or made to mislead them
        reason = str(error).splitlines()[0][:150] if str(error) else type(error).__name__
        kind = "safetensors file" if path.suffix == SUFFIX else "file of PyTorch"
        raise TensorFileError(f"{path} cannot be read: it is damaged, cut off, or no {kind} ({reason})") from None
    _refuse_inventions(content, path)
    return content


def _of_torch(path: Path) -> Any:
    refuse_claims(path)
    return torch.load(path, "cpu", weights_only=True)


def _of_safetensors(path: Path) -> dict[str, Tensor]:
    with safe_open(path, "pt") as file:
        about = dict(file.metadata() or {})
    tensors: dict[str, Tensor] = load_file(path)
    written = about.pop(CHECKSUM, None)
    if written is not None and written != checksum(tensors, about):
        raise ValueError("its checksum is not that of its content")
    return tensors


def checksum(tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> str:
    """CRC-32 of tensors with their names, types and shapes, and of what is said of them, as hexadecimal digits."""
    crc = zlib.crc32(repr(sorted(about.items())).encode())
    for key in sorted(tensors):
        value = tensors[key].contiguous()
        crc = zlib.crc32(f"{key} {value.dtype} {tuple(value.shape)}".encode(), crc)
        crc = zlib.crc32(value.reshape(-1).view(torch.uint8).numpy().data, crc)
    return f"{crc:08x}"


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
    if not any(value.is_floating_point() for value in content.values()):
        raise TensorFileError(f"{path} holds whole numbers alone, which no network computes with: {EXPECTED}")
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


def refuse_others(path: Path) -> None:
    """Refuse what is plainly no file of tensors, before anything waits for it or reads it.

    Raises:
        TensorFileError: no file, no regular one, one that may not be read, an empty one, an archive, a web page.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            raise TensorFileError(f"{path} is {what}: {EXPECTED}")
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError:
        raise TensorFileError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise TensorFileError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if not head:
        raise TensorFileError(f"{path} is empty")
    if head[:2] == b"\x1f\x8b" or head[257:262] == b"ustar":
        raise TensorFileError(f"{path} is an archive: unpack it and give the folder of one model")
    if head.lstrip()[:1] == b"<":
        raise TensorFileError(f"{path} is a web page, no file of weights: the download led to another page")


def _distrusted(path: Path, reason: str) -> str:
    found = re.search(r"GLOBAL ([\w.]+\w)", reason) \
        or re.search(r"(?:class|function|global)\s+([\w.]+\.[\w.]+)", reason)
    if found is None:
        return f"{path} cannot be read: it is damaged, cut off, or no file of PyTorch; {EXPECTED}"
    return (f"{path} is refused: besides tensors it holds {found[1]}, and loading that could run code or take all "
            f"memory (or it is cut off in a name). {EXPECTED}. (Options are read from opt.txt, never from a pickle.)")


def _refuse_inventions(content: Any, path: Path) -> None:
    """Refuse tensors that are no plain arrays of numbers, or larger than what is stored of them."""
    waiting: list[tuple[str, Any]] = [("", content)]
    seen = set()
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, Tensor):
            if value.layout is not torch.strided or value.is_quantized or value.is_complex() or value.is_meta:
                raise TensorFileError(f"{path}: {name} is no plain tensor of real numbers")
            claimed, held = value.numel() * value.element_size(), value.untyped_storage().nbytes()
            if claimed > held:
                raise TensorFileError(f"{path} claims {claimed} bytes of numbers in {name}, and holds {held}: "
                                      f"{EXPECTED}")
        elif isinstance(value, CONTAINERS) and id(value) not in seen:
            seen.add(id(value))
            items = value.items() if isinstance(value, Mapping) else enumerate(value)
            waiting += [(f"{name}.{key!s:.60}" if name else f"{key!s:.60}", child) for key, child in items]
