"""Files of tensors that are cut off, damaged, not finite or something else are refused in words by the one reader."""

import os
import re

import pytest
import torch
from safetensors.torch import save_file

from semsynth.errors import TensorFileError
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
