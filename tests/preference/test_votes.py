"""The file of votes loses none that was confirmed, whenever its writer ends."""

import os
import signal
import subprocess
import sys

import pytest

from semsynth.errors import PreferenceError, WritingError
from semsynth.preference.votes import VoteFile, read_votes

BEGAN = {"rater": "x", "number": 0, "page": 0, "at": "now"}
WRITER = """
import sys
from pathlib import Path
from semsynth.preference.votes import VoteFile
votes = VoteFile(Path(sys.argv[1]))
for trial in range(10**6):
    votes.append({"rater": "x", "trial": trial, "item": 0, "left": "a", "chosen": "b", "ms": 1})
    print(trial, flush=True)
"""


def vote(trial):
    return {"rater": "x", "trial": trial, "item": trial, "left": "a", "chosen": "b", "ms": 1}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "votes.jsonl"


def test_what_is_appended_is_read_again(path):
    assert read_votes(path) == []
    votes = VoteFile(path)
    votes.append(BEGAN)
    votes.append(vote(0))
    assert read_votes(path) == [BEGAN, vote(0)] == votes.records  # while it is open
    votes.close()
    again = VoteFile(path)
    again.append(vote(1))
    again.close()
    assert read_votes(path) == [BEGAN, vote(0), vote(1)]


@pytest.mark.parametrize("torn", [b'{"rater": "x", "tri', b"\xff", b"\0\0\0", b'{"rater": "x"}'])
def test_a_torn_last_line_is_passed_over_and_cut_off(path, torn):
    votes = VoteFile(path)
    votes.append(BEGAN)
    votes.close()
    with path.open("ab") as file:
        file.write(torn)
    assert read_votes(path) == [BEGAN]
    again = VoteFile(path)
    again.append(vote(0))
    again.close()
    assert read_votes(path) == [BEGAN, vote(0)]


@pytest.mark.parametrize("line", [b"[]", b"{}", b'{"rater": 1}', b"\xff", b'{"rater": "x", "trial": -1}', b"", b"1e999",
                                  b'{"rater": "x", "trial": true, "item": 0, "left": "a", "chosen": "b"}'])
def test_a_line_before_the_last_that_is_no_vote_is_named(path, line):
    path.write_bytes(b'{"rater": "x", "number": 0, "page": 0}\n' + line + b"\n")
    for read in (read_votes, VoteFile):
        with pytest.raises(PreferenceError, match=r"votes\.jsonl, line 2: that is no vote"):
            read(path)


def test_two_servers_do_not_write_to_one_file(path):
    votes = VoteFile(path)
    with pytest.raises(PreferenceError, match="served already"):
        VoteFile(path)
    votes.close()
    VoteFile(path).close()


def test_a_full_disk_leaves_no_part_of_a_line(path, monkeypatch):
    votes = VoteFile(path)
    votes.append(BEGAN)
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, line: write(file, line[:7]))
    with pytest.raises(WritingError, match="votes.jsonl cannot be written"):
        votes.append(vote(0))
    monkeypatch.undo()
    votes.append(vote(0))
    votes.close()
    assert read_votes(path) == [BEGAN, vote(0)]


@pytest.mark.parametrize("opens", [True, False])
def test_a_new_file_is_on_the_disk_under_its_name(path, monkeypatch, opens):
    """Its folder is brought there, too, where the system opens folders."""
    synced, fsync, open_ = [], os.fsync, os.open

    def noted(handle):
        synced.append(os.fstat(handle).st_ino)
        fsync(handle)

    def refusing(place, *words, **more):
        if os.path.isdir(place):
            raise PermissionError(13, "Permission denied")
        return open_(place, *words, **more)

    monkeypatch.setattr(os, "fsync", noted)
    if not opens:
        monkeypatch.setattr(os, "open", refusing)
    votes = VoteFile(path)
    assert synced == [path.parent.stat().st_ino] * opens
    votes.append(BEGAN)
    votes.close()
    assert synced[-1] == path.stat().st_ino


def test_a_kill_loses_no_vote_that_was_confirmed(path):
    child = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True)
    confirmed = [int(child.stdout.readline()) for _ in range(30)][-1]
    child.send_signal(signal.SIGKILL)
    child.wait()
    confirmed = max([confirmed, *map(int, child.stdout.read().split())])
    child.stdout.close()
    trials = [record["trial"] for record in read_votes(path)]
    assert trials == list(range(len(trials)))
    assert len(trials) in (confirmed + 1, confirmed + 2)
    VoteFile(path).close()  # nobody has it any more


def test_a_link_is_not_followed(path, tmp_path):
    path.symlink_to(tmp_path / "other")
    with pytest.raises(OSError):
        VoteFile(path)
    assert not (tmp_path / "other").exists()
