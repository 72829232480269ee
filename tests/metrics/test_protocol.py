from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from commands import ROOT

from semsynth.errors import ConfigError
from semsynth.evaluation import arguments
from semsynth.metrics.protocol import Protocol

CONF = Path(__file__).parents[2] / "conf" / "protocol"


@pytest.mark.parametrize("path", sorted(CONF.glob("*.yaml")), ids=lambda p: p.stem)
def test_presets_spell_every_choice(path):
    node = yaml.safe_load(path.read_text())
    assert node.pop("_target_") == "semsynth.metrics.protocol.Protocol"
    protocol = Protocol(**node)
    assert protocol.name == path.stem
    assert set(node) == set(protocol.as_dict())


def test_presets_differ_where_the_papers_do():
    presets = {p.stem: yaml.safe_load(p.read_text()) for p in CONF.glob("*.yaml")}
    assert {name: p["void_is_wrong"] for name, p in presets.items()} == {
        "clade": False, "spade": ["cityscapes"], "oasis": False, "scenes": False, "photographs": False}
    assert presets["clade"]["real_resize"] == "interpolate"
    assert {p["class_mean"] for p in presets.values()} == {None}
    assert presets["scenes"]["style"] == "image"


def test_the_segmenter_says_over_which_classes_the_mean_goes():
    judge = SimpleNamespace(class_mean="all")
    assert Protocol("x").settled("ade20k", judge).class_mean == "all"
    assert Protocol("x").settled("ade20k", None).class_mean == "nan_mean"
    assert Protocol("x", class_mean="present").settled("ade20k", judge).class_mean == "present"
    with pytest.raises(ValueError, match=r"protocol\.class_mean must be one of .* got 'mean'"):
        Protocol("x").settled(None, SimpleNamespace(class_mean="mean"))


def test_void_is_wrong_where_the_protocol_says_so():
    spade = Protocol("spade", void_is_wrong=["cityscapes"])
    assert [spade.settled(name, None).void_is_wrong for name in ("cityscapes", "ade20k", "coco_stuff", None)] == [
        True, False, False, False]
    assert Protocol("x", void_is_wrong=True).settled("ade20k", None).void_is_wrong is True


@pytest.mark.parametrize(("key", "value", "message"), [
    ("style", "own", "protocol.style must be one of normal, image, posterior, got 'own'"),
    ("class_mean", "mean", "protocol.class_mean must be one of all, present, nan_mean"),
    ("count", 1, "protocol.count must be >= 2, got 1"),
    ("diversity_samples", 1, "protocol.diversity_samples must be >= 2"),
    ("real_size", [256], r"protocol.real_size must be \[height, width\]"),
])
def test_values_out_of_range_are_named(key, value, message):
    with pytest.raises(ValueError, match=message):
        Protocol("x", **{key: value})


def test_arguments_are_completed(tmp_path):
    completed = partial(arguments.completed, data_sets=ROOT / "conf" / "dataset")
    for name in ("scenes", "camvid", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(f"dataset: {{name: {name}}}\n")
    scenes, camvid, mine = (f"run={tmp_path}/{name}" for name in ("scenes", "camvid", "mine"))
    assert completed([scenes]) == [scenes, "dataset=scenes"]
    assert completed([camvid, "protocol=oasis"]) == [camvid, "protocol=oasis", "dataset=camvid"]
    assert completed([mine]) == [mine, "dataset=folder"]  # no yaml here names its protocol
    assert completed(["images=a", "labels=b", "dataset=ade20k"]) == ["images=a", "labels=b", "dataset=ade20k"]
    file = tmp_path / "judge.safetensors"
    file.touch()
    assert completed([camvid, f"segmenter={file}"])[1:3] == ["segmenter=trained", f"segmenter.path={file}"]
    assert completed(["run=nowhere"]) == ["run=nowhere"]
    with pytest.raises(ConfigError, match=r"several data sets.*scenes .* and .*camvid .*commands of their own"):
        completed(["-m", f"{scenes},{camvid.removeprefix('run=')}"])
    several = f"{scenes},{scenes.removeprefix('run=')}"
    assert completed(["-m", several]) == ["-m", several, "dataset=scenes"]
    with pytest.raises(ConfigError, match="there is no such file"):
        completed([camvid, "segmenter=nowhere.safetensors"])
    with pytest.raises(ConfigError, match=r"segmenter=upernet101 segmenter\.weights=a\.pth"):
        completed([camvid, "segmenter=a.pth"])
    with pytest.raises(ConfigError, match="leave dataset= out"):
        completed([camvid, "dataset=scenes"])
