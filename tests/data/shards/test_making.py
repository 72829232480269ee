import json
import shlex
import sys

import numpy as np
import pytest
from commands import composed
from rich.console import Console

from semsynth.commands import make_shards
from semsynth.errors import ConfigError, DataError, WritingError
from semsynth.spelling import named


def test_the_command(fx, pack, tmp_path):
    root, output = fx.coco_stuff(tmp_path / "files", portraits=1), tmp_path / "shards"
    said = pack("coco_stuff", root, output)
    assert "train: 5 samples in 1 shards, 0 MB" in said
    assert "val: 2 samples in 1 shards" in said
    assert f"next: python train.py dataset=coco_stuff data=shards shards={output}" in said
    assert sorted(path.name for path in output.iterdir()) == ["train", "val"]
    before = (output / "train/index.json").read_text()
    assert "train: as they were, 5 samples" in pack("coco_stuff", root, output)
    assert (output / "train/index.json").read_text() == before
    assert "train: 5 samples" in pack("coco_stuff", root, output, "overwrite=true")
    assert (output / "train/index.json").read_text() != before


def test_shards_have_the_size_that_is_asked_for(fx, build, pack, tmp_path):
    root = fx.folder(tmp_path / "files", counts=(6, 2))
    for path in (root / "train/images").iterdir():
        fx.save(np.random.default_rng(0).integers(0, 256, (400, 400, 3)).astype(np.uint8), path.with_suffix(".png"))
        path.unlink()
        fx.save(np.zeros((400, 400), np.uint8), root / "train/labels" / f"{path.stem}.png")
    pack("folder", root, tmp_path / "shards", "shard_mb=1")
    assert len(list((tmp_path / "shards/train").glob("*.bin"))) == 3
    files, packed = (build("folder", root, overrides=words) for words in ([], [f"shards={tmp_path / 'shards'}"]))
    assert all(files[index]["image"].equal(packed[index]["image"]) for index in (5, 0, 3, 1, 4, 2))


def test_faults_are_told_and_nothing_is_made(fx, pack, tmp_path):
    root = fx.camvid(tmp_path / "files")
    (root / "train/train_1.jpg").write_bytes((root / "train/train_1.jpg").read_bytes()[:200])
    fx.save(np.full((48, 64), 99, np.uint8), root / "trainannot/train_3.png")
    (root / "trainannot/train_4.png").unlink()
    with pytest.raises(DataError) as error:
        pack("camvid", root, tmp_path / "shards")
    for part in ("train_1.jpg", "train_3.png: label id 99", "train_4.jpg: image without labels", "3 faults"):
        assert part in str(error.value)
    assert not [*(tmp_path / "shards").glob("*"), *(tmp_path / "shards").glob(".*")]


def test_old_shards_are_told(fx, pack, tmp_path):
    root, output = fx.camvid(tmp_path / "files"), tmp_path / "shards"
    pack("camvid", root, output)
    fx.save(np.full((48, 64), 2, np.uint8), root / "trainannot/train_1.png")
    with pytest.raises(DataError, match="older than .*train_1.png is another file since: make them anew"):
        pack("camvid", root, output)
    assert "train: 4 samples" in pack("camvid", root, output, "overwrite=true")


def test_other_settings_are_told(fx, pack, tmp_path):
    root, output = fx.cityscapes(tmp_path / "files"), tmp_path / "shards"
    pack("cityscapes", root, output)
    with pytest.raises(DataError, match="train: holds shards of other classes or settings: make them anew"):
        pack("cityscapes", root, output, "dataset.cities=[aachen]")


def test_a_making_that_was_stopped(fx, build, pack, tmp_path):
    root, output = fx.camvid(tmp_path / "files"), tmp_path / "shards"
    pack("camvid", root, output)
    index = json.loads((output / "train/index.json").read_text())
    del index["semsynth"]
    (output / "train/index.json").write_text(json.dumps(index))
    with pytest.raises(ConfigError, match="does not say what these shards are of: their making was stopped"):
        build("camvid", root, overrides=[f"shards={output}"])


@pytest.mark.parametrize("words", [(), ("overwrite=true",)])
def test_no_other_files_are_removed(fx, pack, tmp_path, words):
    """A data set has folders of the same names as its shards."""
    root = fx.folder(tmp_path / "files", counts=(3, 2))
    before = sorted(root.rglob("*"))
    with pytest.raises(DataError, match=r"files/train: holds (images|labels), which is none of shards"):
        pack("folder", root, root, *words)
    assert sorted(root.rglob("*")) == before
    pack("folder", root, tmp_path / "shards")
    (tmp_path / "shards/val/notes.txt").touch()
    with pytest.raises(DataError, match="val: holds notes.txt"):
        pack("folder", root, tmp_path / "shards", "overwrite=true")


def test_what_is_typed_next_can_be(fx, pack, tmp_path):
    root, output = fx.folder(tmp_path / "files", counts=(3, 2)), tmp_path / "two words"
    assert ["data=shards", named("shards", output)] == shlex.split(pack("folder", root, output))[-2:]
    with pytest.raises(ConfigError, match=r"output=s3://bucket/x: shards are made in a folder"):
        pack("folder", root, "s3://bucket/x")


def test_what_cannot_be_packed(fx, pack, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="dataset=scenes is drawn, not read: there are no files to pack"):
        make_shards.make(composed("make_shards", f"output={tmp_path}"), Console())
    root = fx.camvid(tmp_path / "files")
    (tmp_path / "taken").write_text("")
    with pytest.raises(WritingError, match="taken/train cannot be written"):
        pack("camvid", root, tmp_path / "taken")
    monkeypatch.setitem(sys.modules, "litdata", None)
    monkeypatch.setitem(sys.modules, "litdata.streaming.writer", None)
    with pytest.raises(DataError, match=r"written by litdata: pip install 'semsynth\[shards\]'"):
        pack("camvid", root, tmp_path / "shards")
