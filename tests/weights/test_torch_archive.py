"""Files of PyTorch that are made to take memory, or to be another file for torch than for who looks at them first."""

import io
import pickle
import struct
import tracemalloc
import zipfile

import pytest
import torch

from semsynth.errors import TensorFileError
from semsynth.weights.tensor_files import read_content

PARAMETERS = pickle.dumps({"type_sizes": {"short": 2, "int": 4, "long": 4}, "little_endian": True}, 2)
HEADER = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + PARAMETERS  # of files before PyTorch 1.6


def called(module, name, *arguments):
    return f"c{module}\n{name}\n".encode() + b"(" + b"".join(arguments) + b"tR"


def word(text):
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def objects(value):
    """A pickle of {"a": value}."""
    return b"\x80\x02}" + word("a") + value + b"s."


def archive(*entries):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, value in (*entries, ("x/version", b"3\n")):
            file.writestr(name, value)
    return content.getvalue()


ROOM = called("__builtin__", "bytearray", b"K\x09")  # of any size
HARMLESS = objects(b"K\x01")
LIST = b"](" + b"".join(b"M" + struct.pack("<H", number) for number in range(1000)) + b"e"
SETS = b"](" + LIST + b"q\x02c__builtin__\nset\nq\x03" + b"h\x03h\x02\x85R" * 50 + b"e"
LEGACY = HEADER + objects(ROOM) + pickle.dumps([], 2)


@pytest.mark.parametrize("content", [
    archive(("x/data.pkl", objects(ROOM))),
    archive(("x/data.pkl", objects(called("torch", "Tensor", b"K\x09")))),
    archive(("x/data.pkl", objects(called("torch", "FloatTensor", b"K\x09")))),
    archive(("x/data.pkl", objects(called("_codecs", "encode", called("_codecs", "encode", word("ab"), word("latin1")),
                                          word("hex"))))),
    archive(("x/data.pkl", objects(SETS))),
    archive(("x/data.pkl", objects(called("collections", "OrderedDict") + b"}" + word("items") + b"K\x05sb"))),
    LEGACY,
    LEGACY + archive(("x/data.pkl", HARMLESS)),
    archive(("x/y/data.pkl", HARMLESS), ("x/data.pkl", objects(ROOM))),
    archive(("x/data.pkl", HARMLESS), ("x/DATA.PKL", objects(ROOM))),
    archive(("x/data.pkl", HARMLESS), ("y/data.pkl", HARMLESS)),
    archive(("x/data.pkl", HARMLESS)) + b"\0",
    archive(("x/data.pkl", HARMLESS))[:-2] + b"\1\0\0",
], ids=["bytearray", "tensor of a size", "legacy tensor of a size", "codec that doubles", "copies", "method replaced",
        "before 1.6", "archive behind", "second folder", "letter case", "second root", "byte behind", "comment"])
def test_what_torch_would_take(content, tmp_path):
    """Each is small here; torch loads it at any size, or loads another part of the file than that which looks well."""
    (tmp_path / "x.ckpt").write_bytes(content)
    with pytest.raises(TensorFileError, match=r"x\.ckpt (is refused: besides tensors it holds|cannot be read)"):
        read_content(tmp_path / "x.ckpt")


@pytest.mark.parametrize("content", [b"\x80\x05\x96" + struct.pack("<Q", 2**26) + b".", b"\x80\x02r\xff\xff\xff\x07."])
def test_a_length_makes_no_room(content, tmp_path):
    for value in (content, archive(("x/data.pkl", content))):
        (tmp_path / "x.ckpt").write_bytes(value)
        tracemalloc.start()
        with pytest.raises(TensorFileError, match="cannot be read"):
            read_content(tmp_path / "x.ckpt")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**24


def test_what_trainings_leave_is_read(tmp_path):
    """All kinds of values that optimizers, schedulers and loops have."""
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    state = {"state_dict": net.state_dict(), "optimizer": optimizer.state_dict(), "parameter": net[0].weight,
             "scheduler": torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5]).state_dict(), "bytes": b"\xff\0",
             "sizes": net[0].weight.shape, "kinds": {torch.float16, torch.int64}, "device": torch.device("cpu"),
             "many": {f"key.{number}": torch.zeros(()) for number in range(300)}}
    for old in (False, True):
        torch.save(state, tmp_path / "x.ckpt", _use_new_zipfile_serialization=not old)
        found = read_content(tmp_path / "x.ckpt")
        assert found.keys() == state.keys()
        assert torch.equal(found["optimizer"]["state"][0]["exp_avg"], optimizer.state_dict()["state"][0]["exp_avg"])
