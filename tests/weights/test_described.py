import re
import stat

import pytest
import torch
from safetensors.torch import load_file

from semsynth.errors import TensorFileError
from semsynth.weights.described import read_about, save_described, smaller

SHARED = torch.arange(6.0)


def test_tensors_come_back_with_what_is_said_of_them(tmp_path):
    path = tmp_path / "new" / "x.safetensors"
    state = {"a": SHARED, "b": SHARED[2:], "c": SHARED.reshape(2, 3).t()}  # one memory, and one not in its order
    assert save_described(path, state, "kind", {"width": 4, "names": ["é"]}) == path
    assert read_about(path, "kind") == {"width": 4, "names": ["é"]}
    found = load_file(path)
    assert all(torch.equal(found[key], value) for key, value in state.items())
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(_plain(tmp_path).stat().st_mode)
    assert [p.name for p in path.parent.iterdir()] == ["x.safetensors"]


def test_other_files_are_refused(tmp_path):
    path = save_described(tmp_path / "x.safetensors", {"a": SHARED}, "kind", {})
    for other, kind in ((path, "another"), (tmp_path / "nowhere.safetensors", "kind"), (_plain(tmp_path), "kind")):
        with pytest.raises(TensorFileError, match=re.escape(str(other))):
            read_about(other, kind)
    with pytest.raises(ValueError, match=r"x\.pth: the file's name must end in \.safetensors"):
        save_described(tmp_path / "x.pth", {"a": SHARED}, "kind", {})


def test_kernels_alone_become_smaller():
    state = {"kernel": torch.ones(2, 3), "bias": torch.ones(3), "steps": torch.ones(1, 2, dtype=torch.int64)}
    types = {key: value.dtype for key, value in smaller(state, torch.float16).items()}
    assert types == {"kernel": torch.float16, "bias": torch.float32, "steps": torch.int64}


def _plain(folder):
    path = folder / "plain.txt"
    path.write_text("no tensors")
    return path
