from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from commands import ROOT

from semsynth.cli.folders import groups_of
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


def test_what_is_not_said_is_as_for_scenes():
    node = yaml.safe_load((CONF / "scenes.yaml").read_text())
    assert Protocol("scenes").as_dict() == {key: value for key, value in node.items() if key != "_target_"}


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
])
def test_unknown_choices_are_named(key, value, message):
    with pytest.raises(ValueError, match=message):
        Protocol("x", **{key: value})


@pytest.mark.parametrize(("key", "least", "most"), [
    ("count", 2, 10**7), ("train_count", 2, 10**7),  # a covariance needs two
    ("kid_subsets", 1, 10**5), ("kid_subset_size", 2, 10**7), ("kid_pool", 2, 10**7),  # as do pairs without bias
    ("neighbours", 1, 1000), ("diversity_maps", 0, 10**7), ("diversity_samples", 2, 1000), ("seed", 0, 2**63 - 1),
])
def test_numbers_lie_between_the_least_and_the_most(key, least, most):
    assert [getattr(Protocol("x", **{key: value}), key) for value in (least, most)] == [least, most]
    for value in (least - 1, most + 1):
        message = rf"protocol\.{key} must be a whole number from {least} to {most}, got {value}$"
        with pytest.raises(ValueError, match=message):
            Protocol("x", **{key: value})


@pytest.mark.parametrize("key", ["real_size", "segmenter_size"])
def test_sizes_lie_between_one_pixel_and_the_longest_side(key):
    assert [getattr(Protocol("x", **{key: size}), key) for size in ([1, 16384], [16384, 1])] == [[1, 16384], [16384, 1]]
    message = rf"protocol\.{key} must be \[height, width\] in pixels, each from 1 to 16384"
    for size in ([0, 8], [8, 0], [8, 16385], [256], [8, 8, 3]):
        with pytest.raises(ValueError, match=message):
            Protocol("x", **{key: size})


def test_features_are_kept_of_images_of_general_networks_only():
    assert [Protocol("x", kid_pool=7).pool(general) for general in (True, False)] == [7, 0]


def test_arguments_are_completed(tmp_path):
    completed = partial(arguments.completed, choices=partial(groups_of, ROOT / "conf" / "evaluate.yaml"))
    for name in ("scenes", "camvid", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(f"dataset: {{name: {name}}}\nprotocol: {{name: oasis}}\n")
    (tmp_path / "own" / "dataset").mkdir(parents=True)
    (tmp_path / "own" / "dataset" / "mine.yaml").touch()
    scenes, camvid, mine = (f"run={tmp_path}/{name}" for name in ("scenes", "camvid", "mine"))
    assert completed([scenes]) == [scenes, "dataset=scenes"]
    assert completed([camvid, "protocol=oasis"]) == [camvid, "protocol=oasis", "dataset=camvid"]
    assert completed([mine]) == [mine, "dataset=folder", "protocol=oasis"]  # no yaml here names its protocol
    assert completed([mine, "scoring=scenes"]) == [mine, "scoring=scenes", "dataset=folder"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.yaml").write_text("dataset: {name: mine}\nprotocol: {name: clade}\n")
    both = f"{mine},{tmp_path}/other"
    assert completed(["-m", both]) == ["-m", both, "dataset=folder"]  # none of their protocols is that of both
    own = f"--config-dir={tmp_path}/own"
    assert completed([own, mine]) == [own, mine, "dataset=mine"]
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
