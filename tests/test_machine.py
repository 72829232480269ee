import errno
import multiprocessing
import os
import signal

import pytest
from torch.utils.data import DataLoader, Dataset

from semsynth.data.datamodule import DataModule, _start_worker
from semsynth.errors import DataError, StyleError
from semsynth.machine import fault_behind, in_words
from semsynth.synthesis.map_styles import choose_styles
from semsynth.synthesis.maps import chosen_size


@pytest.mark.parametrize(("error", "words"), [
    (OSError(errno.ENOSPC, "x", "runs/a"), "runs/a: no space left on device: free some space, or take another place"),
    (PermissionError(errno.EACCES, "x", "runs"), "runs: permission denied: change whom it belongs to"),
    (OSError(errno.EMFILE, "x"), "too many open files: raise the limit (ulimit -n)"),
    (RuntimeError("unable to open shared memory object </torch_1_2> in read-write mode: Too many open files (24)"),
     "too many open files: raise the limit (ulimit -n)"),
    (RuntimeError("unable to write to file </torch_1_2_3>: No space left on device (28)"), "(/dev/shm)"),
    (RuntimeError("DataLoader worker (pid 12) is killed by signal: Bus error. It is possible that dataloader's workers "
                  "are out of shared memory."), "(/dev/shm)"),
    (RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried "
                  "to allocate 9216000000000 bytes. Error code 12 (Cannot allocate memory)"),
     "no memory for 9216000000000 bytes at once: take a smaller batch, size or network"),
    (RuntimeError("[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:561] Connection closed by peer [::1]:8583"),
     "another process of this command has ended"),
    (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), None),
    (FileNotFoundError(errno.ENOENT, "x", "a.png"), None),
    (FileNotFoundError(errno.ENOENT, "x", "/proc/new"), "/proc/new: no file can be made there"),
    (KeyError("a fault of the program"), None),
])
def test_what_the_machine_lacks_is_said(error, words):
    said = in_words(error)
    assert said is None if words is None else words in said


def test_a_folder_that_was_removed_under_a_process_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    with pytest.raises(FileNotFoundError) as caught:
        os.getcwd()
    assert "is gone: change into one" in in_words(caught.value)


def test_the_fault_behind_an_error_is_found():
    covering = RuntimeError("unexpected pos")
    covering.__context__ = OSError(errno.ENOSPC, "x")  # as torch's on a full disk
    assert fault_behind(covering).errno == errno.ENOSPC
    assert fault_behind(KeyError()) is None
    covering.__suppress_context__ = True  # as `raise ... from None`: it was answered, and another fault came after it
    assert fault_behind(covering) is None


class Killed(Dataset):
    """Its second sample ends the process that reads it."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        if index == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return index


class Unsendable(Dataset):
    """Its sample cannot be sent, as where no file can be opened for it."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return lambda: index


@pytest.mark.parametrize("dataset", [Killed(), Unsendable()], ids=["killed", "cannot send"])
def test_a_reading_process_that_ends_is_said_and_nothing_hangs(dataset, capfd):
    assert multiprocessing.get_start_method() == "fork"
    with pytest.raises(RuntimeError) as end:
        list(DataLoader(dataset, batch_size=1, num_workers=1, worker_init_fn=_start_worker, collate_fn=lambda s: s[0]))
    said = in_words(end.value)
    assert "a process that reads data (pid " in said
    assert "fewer" in said
    assert ("could not be handed over" in capfd.readouterr().err) == isinstance(dataset, Unsendable)


@pytest.mark.parametrize("call", [
    lambda: choose_styles(None, None, None, (8, 8), style={}, samples=10 ** 9),
    lambda: choose_styles(None, None, None, (8, 8), style={}, interpolate=10 ** 9),
    lambda: chosen_size([60000, 60000], (8, 8)),
    lambda: DataModule(lambda: None, lambda: None, batch=2, num_workers=5000)],
    ids=["samples", "interpolate", "size", "num_workers"])
def test_more_than_any_machine_has_is_refused_before_it_is_taken(call):
    with pytest.raises((StyleError, DataError), match=r"at most|must be from 0 to"):
        call()
