import json
import os
import pickle
import sys
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import pytest

from semsynth.data.shards import storage as rooms
from semsynth.data.shards.storage import INDEX, Storage
from semsynth.errors import DataError

RECORDS = [[b"%d" % number, os.urandom(number)] for number in range(60)]


@pytest.fixture
def shards(tmp_path):
    """Sixty samples in shards of 200 bytes or a little more."""
    from litdata.streaming.writer import BinaryWriter

    folder = tmp_path / "shards"
    writer = BinaryWriter(str(folder), chunk_bytes=200)
    for index, record in enumerate(RECORDS):
        writer.add_item(index, record)
    writer.done()
    writer._merge_no_wait()
    assert len(list(folder.glob("*.bin"))) > 5
    return folder


@pytest.fixture
def opened(shards, tmp_path):
    return lambda place=None: Storage(str(place or shards), tmp_path / "cache")


ORDER = [(17 * place) % 60 for place in range(60)]


def right(storage):
    return [storage[index] for index in ORDER] == [RECORDS[index] for index in ORDER]


def right_here(storage, queue):
    queue.put(right(storage))


def test_any_sample_at_any_time(opened, monkeypatch):
    monkeypatch.setattr(rooms, "OPEN", 2)
    storage = opened()
    assert len(storage) == 60
    assert right(storage)
    assert right(pickle.loads(pickle.dumps(storage)))
    with pytest.raises(IndexError, match="index 60 is out of range for 60 samples"):
        _ = storage[60]
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(right, [storage] * 8))


def test_no_more_handles_than_said(opened, monkeypatch):
    monkeypatch.setattr(rooms, "OPEN", 3)
    before = len(os.listdir("/proc/self/fd"))
    storage = opened()
    assert right(storage)
    assert len(os.listdir("/proc/self/fd")) <= before + 3


def test_elsewhere_it_is_kept_here(shards, opened):
    """`local:` is litdata's word for another file system; s3:// and others come by the same road."""
    storage = opened(f"local:{shards}")
    assert [storage[0], storage[59]] == [RECORDS[0], RECORDS[59]]
    assert len(list(storage.folder.glob("*.bin"))) == 2
    assert right(storage)
    assert not list(storage.folder.glob("*.lock"))
    names = [path.name for path in shards.iterdir()]
    for path in shards.glob("*.bin"):
        path.unlink()
    assert right(opened(f"local:{shards}"))
    assert {*names} <= {path.name for path in storage.folder.iterdir()}


def test_processes_share_what_is_kept(shards, opened):
    context = get_context("fork")
    storage, queue = opened(f"local:{shards}"), context.Queue()
    assert storage[30] == RECORDS[30]  # handles that the others inherit
    others = [context.Process(target=right_here, args=(storage, queue)) for _ in range(3)]
    for other in others:
        other.start()
    assert [queue.get(timeout=60) for _ in others] == [True] * 3
    for other in others:
        other.join()


def test_made_anew_elsewhere(shards, opened):
    """What is kept of the old ones is not read."""
    before = opened(f"local:{shards}")
    assert right(before)
    index = json.loads((shards / INDEX).read_text())
    (shards / INDEX).write_text(json.dumps(index | {"updated_at": "1"}))
    assert opened(f"local:{shards}").folder != before.folder


def damage(path):
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(("spoil", "why"), [
    (damage, r"a damaged shard, it has \d+ bytes of \d+: copy it again, or make the shards anew"),
    (lambda path: path.unlink(), "a damaged shard, it is missing: copy it again"),
])
def test_damaged_shards(spoil, why, shards, opened):
    storage = opened()
    path = sorted(shards.glob("*.bin"))[0]
    spoil(path)
    with pytest.raises(DataError, match=f"{path}: {why}"):
        right(storage)


def test_a_missing_shard_elsewhere(shards, opened):
    storage = opened(f"local:{shards}")
    path = sorted(shards.glob("*.bin"))[0]
    path.unlink()
    with pytest.raises(DataError, match=rf"{path.name}: the shard cannot be downloaded \(FileNotFoundError"):
        right(storage)


@pytest.mark.parametrize("place", ["{}", "local:{}"])
def test_no_shards(place, opened, tmp_path):
    with pytest.raises(DataError, match=r"(there is no index.json in it|shards cannot be read there).*make_shards"):
        opened(place.format(tmp_path / "none"))


@pytest.mark.parametrize("change", [
    lambda index: index["config"].update(data_format=["bytes", "pickle"]),  # which would run what is in it
    lambda index: index["chunks"][0].update(filename="../other.bin"),
])
def test_no_data_set_of_this_program(change, shards, opened):
    index = json.loads((shards / INDEX).read_text())
    change(index)
    (shards / INDEX).write_text(json.dumps(index))
    with pytest.raises(DataError, match="a data set of litdata, but not of this program"):
        opened()


def test_a_cut_index(shards, opened):
    (shards / INDEX).write_text((shards / INDEX).read_text()[:100])
    with pytest.raises(DataError, match=r"shards cannot be read there \(\w+: .*make_shards.py` with the same dataset"):
        opened()


def test_the_cache_must_hold_them_all(shards, opened, monkeypatch):
    monkeypatch.setattr(rooms, "disk_usage", lambda folder: namedtuple("usage", "free")(100))
    assert right(opened())
    with pytest.raises(DataError, match=r"0.0 GB of shards are still to come from local:.*shards_cache=DIR names a"):
        opened(f"local:{shards}")


def test_without_the_package(opened, monkeypatch):
    monkeypatch.setitem(sys.modules, "litdata", None)
    with pytest.raises(DataError, match=r"shards are read by litdata: pip install 'semsynth\[shards\]'"):
        opened()
