import os
import shutil
import time

import numpy as np
import pytest

from semsynth.errors import DataError


@pytest.fixture
def look(cities, build):
    root, shards = cities
    return lambda: build("cityscapes", root, overrides=[f"shards={shards}"])


def test_a_copy_of_the_files_is_no_other(cities, look, tmp_path):
    """Whatever the times are that the copying left."""
    root, _ = cities
    shutil.copytree(root, tmp_path / "copy", copy_function=shutil.copyfile)
    shutil.rmtree(root)
    (tmp_path / "copy").rename(root)
    later = time.time() + 60
    for path in [*root.rglob("*")]:
        os.utime(path, (later, later))
    assert len(look()) == 10


def first(root):
    return root / "gtFine/train/aachen/aachen_000000_000000_gtFine_labelIds.png"


def other_labels(fx, root):
    fx.save(np.full((48, 64), 7, np.uint8), first(root))


def same_size(fx, root):
    data = bytearray(first(root).read_bytes())
    data[-20] ^= 1
    first(root).write_bytes(data)
    later = time.time() + 60
    os.utime(first(root), (later, later))


@pytest.mark.parametrize("change", [other_labels, same_size])
def test_another_file_since(change, fx, cities, look):
    root, shards = cities
    change(fx, root)
    with pytest.raises(DataError, match=rf"shards={shards} are older than {root}: {first(root)} is another file since: "
                                        "make them anew, with tools/make_shards.py and overwrite=true"):
        look()


def test_a_file_that_is_gone(cities, look):
    root, _ = cities
    first(root).unlink()
    with pytest.raises(DataError, match=rf"are not of these files: {first(root)}, of which they were made, is missing"):
        look()


def test_more_files_since(fx, cities, look):
    root, _ = cities
    for kind, place in (("_gtFine_labelIds", "gtFine"), ("_gtFine_instanceIds", "gtFine"),
                        ("_leftImg8bit", "leftImg8bit")):
        old = next((root / place / "train/aachen").glob(f"*0{kind}.png"))
        shutil.copy(old, old.with_name(f"aachen_000000_000099{kind}.png"))
        later = time.time() + 60
        os.utime(old.parent, (later, later))
    with pytest.raises(DataError, match="older than .*: there are 11 samples now, with other names"):
        look()
