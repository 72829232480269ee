"""Files of tensors that are cut off, damaged, not finite or something else are refused in words by the one reader."""

import os
import re
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from semsynth.errors import TensorFileError
from semsynth.weights.described import save_described
from semsynth.weights.tensor_files import read_content, read_tensors

KINDS = ("new.ckpt", "old.pth", "x.safetensors")
STATE = {"a.weight": torch.arange(600.0).reshape(20, 30), "a.steps": torch.tensor(7)}


def written(path, state):
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=path.name != "old.pth")
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_at_any_length_is_named(kind, tmp_path):
    path = written(tmp_path / kind, STATE)
    assert torch.equal(read_tensors(path)["a.weight"], STATE["a.weight"])
    whole = path.read_bytes()
    for length in sorted({*range(24), 511, 512, 513, *range(0, len(whole), 97), *range(len(whole) - 24, len(whole))}):
        path.write_bytes(whole[:length])
        what = r"(is empty|cannot be read|is refused.*cut off)"
        with pytest.raises(TensorFileError, match=rf"{re.escape(str(path))} {what}") as caught:
            read_content(path)
        assert len(str(caught.value)) < 400 + len(str(path))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_one_number_that_is_not_finite(kind, number, dtype, tmp_path):
    values = torch.ones(3, 4, dtype=dtype)
    values[2, 3] = number
    path = written(tmp_path / kind, {**STATE, "b.bias": values})
    with pytest.raises(TensorFileError, match=r"1 of 3 tensors hold NaN or infinite numbers, the first is b\.bias"):
        read_tensors(path)


def test_large_and_small_floats_are_finite(tmp_path):
    state = {"double": torch.tensor([1e300], dtype=torch.float64), "byte": torch.ones(4).to(torch.float8_e4m3fn),
             "none": torch.zeros(0)}
    assert read_tensors(written(tmp_path / "x.safetensors", state)).keys() == state.keys()
    state["byte"] = torch.tensor([float("nan")]).to(torch.float8_e4m3fn)
    with pytest.raises(TensorFileError, match="the first is byte"):
        read_tensors(written(tmp_path / "x.safetensors", state))


@pytest.mark.parametrize("kind", ["new.ckpt", "ours.safetensors"])
def test_every_bit_of_the_numbers_counts(kind, tmp_path):
    """A changed bit that leaves every number finite is told by the checksum."""
    path = tmp_path / kind
    if kind == "new.ckpt":
        torch.save(STATE, path)
    else:
        save_described(path, STATE, "kind", {"width": 3})
    whole = path.read_bytes()
    place = whole.index(STATE["a.weight"].numpy().tobytes()[4:]) + 1001
    for at in (place, place + 600):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
        with pytest.raises(TensorFileError, match=r"cannot be read: it is damaged.*(CRC-32|checksum)"):
            read_content(path)
    path.write_bytes(whole.replace(b"width", b"depth"))
    if kind == "ours.safetensors":
        with pytest.raises(TensorFileError, match="checksum"):
            read_content(path)


@pytest.mark.parametrize("value", [
    torch.zeros(1).expand(2**20, 2**24), torch.eye(3).to_sparse(), torch.ones(2, dtype=torch.complex64),
    torch.empty(2, device="meta")], ids=["expanded", "sparse", "complex", "meta"])
def test_no_plain_numbers(value, tmp_path):
    """Wherever they lie in a checkpoint."""
    torch.save({"state_dict": STATE, "callbacks": {"EMA": [{"x": value}]}}, tmp_path / "x.ckpt")
    with pytest.raises(TensorFileError, match=r"EMA\.0\.x|no plain numbers"):
        read_content(tmp_path / "x.ckpt")


@pytest.mark.parametrize("old", [False, True])
def test_a_claim_beyond_the_file_is_not_believed(old, tmp_path):
    """Bytes are reserved for no more numbers than the file has."""
    path = tmp_path / "x.pth"
    torch.save({"a": torch.ones(3)}, path, _use_new_zipfile_serialization=not old)
    count, many = b"K\x03t", b"\x8a\x06" + (2**40).to_bytes(6, "little") + b"t"
    if old:
        path.write_bytes(path.read_bytes().replace(b"K\x03Nt", many[:-1] + b"Nt").replace(count, many))
    else:
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, content.replace(count, many) if name.endswith("data.pkl") else content)
    with pytest.raises(TensorFileError, match=f"it claims {4 * 2**40} bytes"):
        read_content(path)


@pytest.mark.parametrize("way", ["folder", "pipe", "endless", "circle"])
def test_what_is_no_file_is_not_waited_for(way, tmp_path):
    make = {"folder": Path.mkdir, "pipe": os.mkfifo, "endless": lambda path: path.symlink_to("/dev/zero"),
            "circle": lambda path: path.symlink_to(path)}[way]
    for suffix in (".ckpt", ".safetensors"):
        path = tmp_path / f"{way}{suffix}"
        make(path)
        with pytest.raises(TensorFileError, match=r"\.\w+ (is a folder|is no regular file|cannot be read)") as caught:
            read_content(path)
        assert str(path) in str(caught.value)


def test_whole_numbers_are_no_weights(tmp_path):
    torch.save({"a": torch.ones(3, dtype=torch.int32), "b": torch.ones(2, dtype=torch.bool)}, tmp_path / "x.pth")
    with pytest.raises(TensorFileError, match="holds whole numbers alone"):
        read_tensors(tmp_path / "x.pth")


class Call:
    def __reduce__(self):
        return os.system, ("touch exploded",)


@pytest.mark.parametrize("suffix", [".ckpt", ".pth"])
def test_code_is_not_run(suffix, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {**STATE, "x": Call()}}, tmp_path / f"x{suffix}")
    with pytest.raises(TensorFileError, match=r"is refused: besides tensors it holds \w+\.system"):
        read_content(tmp_path / f"x{suffix}")
    assert not (tmp_path / "exploded").exists()
