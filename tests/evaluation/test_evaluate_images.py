"""evaluate.py on pictures of one's own: folders of images, and runs on a folder."""


import numpy as np
import pytest
from campaigns.folders import make_folder
from evaluated import FEW, by_judge, make_run, read
from PIL import Image

from semsynth.errors import DataError, EvaluationError, SegmenterError
from semsynth.evaluation.arguments import completed


@pytest.fixture
def pictures(tmp_path):
    """A folder of images and one of label maps of scenes."""
    rng = np.random.default_rng(0)
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    for index in range(3):
        Image.fromarray(rng.integers(0, 255, (16, 20, 3)).astype(np.uint8)).save(tmp_path / "images" / f"{index}.png")
        Image.fromarray(rng.integers(0, 12, (32, 40)).astype(np.uint8)).save(tmp_path / "labels" / f"{index}.png")
    return [f"images={tmp_path}/images", f"labels={tmp_path}/labels"]


def test_a_folder_of_images_is_scored(evaluate, pictures, judge, tmp_path):
    evaluate(*pictures, *by_judge(judge), *FEW)
    found = read(tmp_path / "images" / "scores.json")
    assert {"frechet/tiny", "frechet/tiny/train", "miou", "accuracy", "miou_rare"} == set(found["scores"])
    assert "diversity/tiny" in found["skipped"]
    assert "style_r2" not in found["skipped"]  # nothing that anyone would miss
    assert found["protocol"]["real"]["val"]["size"] == [16, 20]
    evaluate(*pictures, *by_judge(judge), *FEW, f"output={tmp_path}/again.json")  # the plot is no picture to score
    assert read(tmp_path / "again.json")["scores"] == pytest.approx(found["scores"])


def test_a_run_on_a_folder_of_ones_own_brings_its_classes(evaluate, tmp_path):
    """The choice `dataset=folder`, which such a run is scored with, knows nothing of them."""
    root = make_folder(tmp_path / "data", 4)
    run = make_run(tmp_path / "run", "dataset=folder", f"dataset.root={root}", "encoder=none",
                   "loss=spade_no_vgg", "scores=none")
    evaluate(*completed([f"run={run}"], lambda arguments: {"dataset": ["folder"], "protocol": []}),
             "features=pixels", *FEW)
    assert "frechet/pixels" in read(run / "scores.json")["scores"]


def test_images_of_ones_own_are_scored(evaluate, tmp_path):
    root = make_folder(tmp_path / "data", 4)
    evaluate(f"images={root}/val/images", f"labels={root}/val/labels", "dataset=folder", f"dataset.root={root}",
             "features=pixels", f"output={tmp_path}/s.json", *FEW)
    assert "frechet/pixels" in read(tmp_path / "s.json")["scores"]


def test_a_folder_of_a_data_set_that_is_not_here(evaluate, pictures, tmp_path):
    """FID against absent real images is skipped with the reason; label maps are held against the classes."""
    evaluate(*pictures, "dataset=camvid", f"dataset.root={tmp_path}/nowhere", "~segmenter", *FEW[4:])
    found = read(tmp_path / "images" / "scores.json")
    assert found["scores"] == {}
    assert "no segmenter is given" in found["skipped"]["miou"]


def test_folders_that_do_not_fit_are_named(evaluate, pictures, judge, tmp_path):
    with pytest.raises(SegmenterError, match="other classes than the data set"):
        evaluate(*pictures, "dataset=camvid", *by_judge(judge), "protocol=clade")
    Image.new("L", (40, 32), 77).save(tmp_path / "labels" / "1.png")
    with pytest.raises(DataError, match=r"1\.png: label id 77"):
        evaluate(*pictures, *by_judge(judge), *FEW)
    (tmp_path / "labels" / "1.png").unlink()
    with pytest.raises(EvaluationError, match=r"1\.png: an image without a label map"):
        evaluate(*pictures, *by_judge(judge), *FEW)
    with pytest.raises(EvaluationError, match="give run=DIR, or images=DIR"):
        evaluate(pictures[0])
    assert [p.name for p in (tmp_path / "images").iterdir() if p.suffix != ".png"] == []
