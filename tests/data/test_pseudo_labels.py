"""Photographs that a segmenter labels become a data set that is trained on."""

import io

import numpy as np
import pytest
import torch
from commands import composed
from PIL import Image
from rich.console import Console

from semsynth.commands.pseudo_label import make
from semsynth.data.check import scan
from semsynth.data.classes import load_classes
from semsynth.data.pseudo_labels import class_text, plan
from semsynth.errors import ConfigError, DataError
from semsynth.evaluation.arguments import with_judge
from semsynth.segmenters.judge import load_judge, save_judge
from semsynth.segmenters.labelling import Labeller
from semsynth.segmenters.unet import UNet

CLASSES = ["sky", "no", "sea", "void"]  # `no` is also a word of YAML


@pytest.fixture
def segmenter(tmp_path):
    torch.manual_seed(1)
    save_judge(tmp_path / "own.safetensors", UNet(4, (4, 6)).eval(), {"num_classes": 4, "widths": [4, 6]}, name="own",
               classes=CLASSES, ignore=3, class_map=[0, 1, 2, None], dataset="test", scores={"miou": 0.5})
    return tmp_path / "own.safetensors"


@pytest.fixture
def photos(fx, tmp_path):
    for name, size in (("a", (48, 64)), ("sub/b", (70, 50)), ("c", (24, 24))):
        fx.save(fx.picture(*size), tmp_path / "photos" / f"{name}.jpg")
    return tmp_path / "photos"


@pytest.fixture
def run(photos, segmenter, tmp_path):
    def call(*words):
        words = with_judge([f"images={photos}", f"output={tmp_path}/set", f"segmenter={segmenter}", *words])
        console = Console(file=io.StringIO(), width=300)
        return make(composed("pseudo_label", *words), console), console.file.getvalue()

    return call


def test_photographs_become_a_data_set(run, photos, segmenter, build, tmp_path):
    code, said = run("side=32")
    assert (code, "3 label maps made" in said) == (0, True)
    table = load_classes(tmp_path / "set")
    assert (table.names, table.unknown, table.ids) == (CLASSES, 3, [0, 1, 2, 3])
    sets = [build("folder", tmp_path / "set", split, ["size=[32,32]"]) for split in ("train", "val")]
    assert sorted(pair.name for dataset in sets for pair in dataset.pairs) == ["a", "c", "sub/b"]
    judge = load_judge(segmenter)
    for dataset in sets:
        assert scan(dataset, threads=1).faults == []
        for index, pair in enumerate(dataset.pairs):
            picture = Image.open(photos / f"{pair.name}.jpg")
            labels = dataset.read_labels(index)
            assert labels.shape == picture.size[::-1]
            assert labels.max() < 3  # the class of no channel is never an answer
            if pair.name == "c":  # not enlarged
                shown = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None] / 127.5 - 1
                np.testing.assert_array_equal(labels, judge.logits(shown)[0].argmax(0))
            if pair.name == "a":  # 48x64 was seen as 32x43
                assert Labeller(judge, 32)(picture).shape == (32, 43)


def test_what_is_labelled_stays(run, photos, tmp_path):
    run()
    (tmp_path / "set/labels/a.png").unlink()
    kept = (tmp_path / "set/labels/c.png").stat().st_mtime_ns
    assert "1 label maps made" in run()[1]
    assert (tmp_path / "set/labels/c.png").stat().st_mtime_ns == kept
    with pytest.raises(DataError, match=r"classes\.yaml: of another segmenter or other classes: .* overwrite=true"):
        run("side=16")
    assert "3 label maps made" in run("side=16", "overwrite=true")[1]
    assert "shorter side 16" in (tmp_path / "set/classes.yaml").read_text()


def test_a_photograph_that_cannot_be_read_is_named_at_the_end(run, photos):
    (photos / "bad.jpg").write_bytes(b"x")
    code, said = run()
    assert code == 1
    assert "3 label maps made" in said
    assert "bad.jpg" in said


def test_photographs_may_lie_in_the_data_set(run, photos, tmp_path):
    photos.rename(tmp_path / "photos_before")
    (tmp_path / "set").mkdir()
    (tmp_path / "photos_before").rename(tmp_path / "set/images")
    run(f"images={tmp_path}/set/images")
    assert not (tmp_path / "set/images").is_symlink()
    assert (tmp_path / "set/labels/sub/b.png").is_file()


def test_what_is_refused(run, photos, tmp_path, fx):
    with pytest.raises(DataError, match="there is no such folder of photographs"):
        run(f"images={tmp_path}/nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no photographs"):
        run(f"images={tmp_path}/empty")
    (tmp_path / "set/images").mkdir(parents=True)
    with pytest.raises(DataError, match=r"set/images: is there already and is not .*photos"):
        run()
    fx.save(fx.picture(), photos / "a.png")
    with pytest.raises(DataError, match=r"a\.jpg and .*a\.png have the same name but for the ending"):
        run()


def test_published_weights_that_are_not_there_are_asked_for(photos, tmp_path, monkeypatch):
    monkeypatch.setenv("SEMSYNTH_WEIGHTS", str(tmp_path))
    cfg = composed("pseudo_label", f"images={photos}", f"output={tmp_path}/set")
    with pytest.raises(ConfigError, match=r"the judge deeplab_v2 needs its published weights: .*weights\.py"):
        make(cfg, Console(file=io.StringIO()))


def test_more_than_256_classes(tmp_path, photos):
    text = class_text([f"c{i}" for i in range(300)], None, "x")
    assert len(plan(photos, tmp_path / "set", text)) == 3
    assert load_classes(tmp_path / "set").names[299] == "c299"
