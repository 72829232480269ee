import os

import pytest
import torch

from semsynth.errors import WritingError
from semsynth.weights.files import clear_partial, write_text, write_with


def test_nothing_half_written_stays(tmp_path):
    def fail(file):
        file.write(b"half")
        raise KeyError("a fault of the program")

    write_text(tmp_path / "new" / "a.json", "before")
    with pytest.raises(KeyError):
        write_with(tmp_path / "new" / "a.json", fail)
    assert [(p.name, p.read_text()) for p in (tmp_path / "new").iterdir()] == [("a.json", "before")]


def test_a_file_is_replaced(tmp_path):
    for text in ("one", "two é"):
        assert write_text(tmp_path / "a.txt", text) == tmp_path / "a.txt"
        assert (tmp_path / "a.txt").read_text(encoding="utf-8") == text
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("write", [lambda file: file.write(b"x" * 9000),
                                   lambda file: torch.save(torch.ones(9000), file)],
                         ids=["bytes", "torch"])  # torch raises an error of its own
def test_a_full_disk_is_said_with_the_file(tmp_path, small_files, write):
    write_text(tmp_path / "a", "before")
    with small_files(5000), pytest.raises(WritingError, match="a cannot be written, file too large: raise the limit"):
        write_with(tmp_path / "a", write)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a", "before")]


def test_the_disk_has_all_of_it_before_it_takes_its_name(tmp_path, monkeypatch):
    """The order of the calls is what counts when a machine loses power."""
    calls = []
    for name in ("fsync", "replace"):
        def noted(*given, name=name, call=getattr(os, name)):
            calls.append(name)
            return call(*given)
        monkeypatch.setattr(os, name, noted)
    write_text(tmp_path / "a", "text")
    assert calls == ["fsync", "replace", "fsync"]  # the file; the name; the folder that holds the name


def test_the_disk_has_the_names_of_new_folders(tmp_path, monkeypatch):
    synced, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino) or fsync(handle))
    write_text(tmp_path / "new" / "newer" / "a", "text")
    assert {place.stat().st_ino for place in (tmp_path, tmp_path / "new", tmp_path / "new" / "newer")} <= {*synced}


@pytest.mark.parametrize("what", ["folder", "fifo", "file for a folder"])
def test_a_place_that_holds_something_else_is_said(tmp_path, what):
    path = tmp_path / "a"
    if what == "folder":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    else:
        path.touch()
        path = path / "b"
    with pytest.raises(WritingError, match=f"{path} cannot be written"):
        write_text(path, "text")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_what_killed_writers_left_is_cleared_once_it_is_old_enough(tmp_path):
    for name in ("last.ckpt.0123abcd.partial", "last.ckpt"):
        (tmp_path / name).touch()
    clear_partial(tmp_path, seconds=60)
    assert len(list(tmp_path.iterdir())) == 2
    clear_partial(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]
