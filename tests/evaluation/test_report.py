import json

import pytest
from rich.console import Console

from semsynth.errors import EvaluationError
from semsynth.evaluation.report import code_version, document, print_scores, write_scores
from semsynth.evaluation.scores import Scores

PROTOCOL = {
    "name": "clade", "generated": 4, "size": [8, 8], "style": "normal", "class_mean": "nan_mean",
    "diversity_samples": 2, "diversity_maps": 3,
    "segmenter": {"name": "small", "sha256": "0123456789"},
    "features": {"inception": {"weights": "i.pth", "sha256": "abcdefghij"}, "small": {"sha256": None}},
    "real": {"train": {"count": 9, "resize": "bilinear"}, "val": {"count": 5, "resize": "bilinear"}},
}


@pytest.fixture
def content():
    found = Scores({"fid/train": 12.34567, "frechet/small": 0.02, "miou": 0.5, "diversity/small": 0.1},
                   {"sky": 0.75, "car": None}, {"sky": 1.0, "car": 0.0}, {"hue": 0.9}, 4,
                   {"kid/val": "no reason", "fid/val": "no reason"})
    return document(found, source={"run": "runs/x", "dataset": "camvid"}, protocol=PROTOCOL, seconds=1.26)


def test_the_file_says_everything(content, tmp_path):
    path = tmp_path / "deep" / "scores.json"
    write_scores(path, content)
    assert json.loads(path.read_text()) == content
    assert (content["format"], content["seconds"], content["run"]) == (1, 1.3, "runs/x")
    assert content["per_class"] == {"iou": {"sky": 0.75, "car": None}, "frequency": {"sky": 1.0, "car": 0.0}}
    assert sorted(p.name for p in path.parent.iterdir()) == ["plots", "scores.json"]
    assert (path.parent / "plots" / "iou_by_frequency.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_half_written(content, tmp_path):
    path = tmp_path / "scores.json"
    write_scores(path, content)
    before = path.read_text()
    with pytest.raises(ValueError, match="JSON compliant"):
        write_scores(path, {**content, "scores": {"miou": float("nan")}})
    assert path.read_text() == before
    (tmp_path / "file").write_text("")
    with pytest.raises(EvaluationError, match=r"file/scores\.json: cannot be written"):
        write_scores(tmp_path / "file" / "scores.json", content)


def test_the_table_says_how(content):
    console = Console(record=True, width=200)
    print_scores(content, console)
    text = console.export_text()
    for words in ("runs/x (camvid; protocol clade, 4 images of 8x8, style normal)", "12.35",
                  "against 9 real train images (bilinear), i.pth abcdefgh", "50.00 %",
                  "small 01234567, mean over the classes in labels or predictions",
                  "2 samples of 3 label maps", "75.00 %", "no kid/val, fid/val: no reason"):
        assert words in text


def test_in_a_narrow_window_names_stay_whole(content):
    names = [f"{kind}/efficientnet_lite0_imagenet/train" for kind in ("frechet", "kid", "precision", "coverage")]
    network = {"weights": "efficientnet-lite0-57934424.pth", "sha256": "57934424"}
    console = Console(record=True, width=80)
    print_scores({**content, "scores": dict.fromkeys(names, 0.5), "protocol": {
        **PROTOCOL, "features": {"efficientnet_lite0_imagenet": network}}}, console)
    text = console.export_text()
    assert all(name in text for name in names)
    assert text.count("against 9 real train") == 4


def test_the_segmenter_of_the_run_is_told(content, tmp_path):
    own = {"classes": ["sky", "car"], "answers": ["sky", "car"], "confusion": [[3, 1], [1, 0]],
           "iou": {"sky": 0.6, "car": 0.0}, "swapped": [["car", "sky", 1.0]]}
    keys = {"miou_rare": 0.25, "segmenter/miou": 0.3, "agreement/miou": 0.875}
    content = {**content, "segmenter": own, "scores": {**content["scores"], **keys},
               "protocol": {**PROTOCOL, "rare_classes": ["a", "b", "c", "d", "e", "f", "g"]}}
    console = Console(record=True, width=200)
    print_scores(content, console)
    text = console.export_text()
    for words in ("of a, b, c, d, e and 2 more", "30.00 %  the run's own segmenter on 4 real images", "87.50 %",
                  "the run's own segmenter on the generated images", "IoU of the run's segmenter", "60.00 %",
                  "the run's segmenter takes car for sky: 100.0 % of its pixels"):
        assert words in text
    write_scores(tmp_path / "s.json", content)
    assert (tmp_path / "plots" / "segmenter_confusion.png").read_bytes().startswith(b"\x89PNG")


def test_the_version_of_the_code():
    assert code_version()["version"]
