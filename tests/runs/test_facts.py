"""What a stored configuration says of its data is what every reader takes it for, or is named."""

import copy

import pytest
import yaml
from commands import composed
from omegaconf import OmegaConf

from semsynth import config, runs
from semsynth.errors import ConfigError
from semsynth.runs.facts import check_facts, lacking_facts

PLAIN = {"size": [32, 64], "run_dir": "x", "seed": 0, "epochs": 3, "icpe": {"enabled": False}, "recipe": {"name": "x"},
         "dataset": {"name": "tiny", "classes": ["sky", "road"], "colours": [[0, 0, 0], [1, 2, 255]], "num_classes": 2,
                     "ids": [7, 9], "unknown": None, "instances": True, "edges": False}}


@pytest.mark.parametrize("name", ["scenes", "cityscapes", "ade20k", "ade20k_outdoor", "coco_stuff", "camvid",
                                  "celebamask_hq", "deepfashion"])
def test_what_is_stored_is_fine(name):
    cfg = config.finalize(composed("train", f"dataset={name}", "run_dir=x"))
    plain = OmegaConf.to_container(cfg, resolve=True)
    check_facts(plain)
    assert lacking_facts(plain) == []


@pytest.mark.parametrize(("key", "value"), [
    ("size", [32]), ("size", [0, 32]), ("size", "32"), ("size", [10**9, 10**9]), ("size", [True, 32]), ("run_dir", 3),
    ("epochs", 0), ("seed", "x"), ("dataset", []), ("icpe", None), ("dataset.name", "../x"), ("dataset.name", "=x"),
    ("dataset.name", "a/b"), ("dataset.name", "a<b>"), ("dataset.name", 3), ("recipe.name", ".x"),
    ("dataset.classes", "sky"), ("dataset.classes", []), ("dataset.classes", ["sky", None]),
    ("dataset.classes", ["sky", "sky"]), ("dataset.classes", ["sky", "a\nb"]), ("dataset.num_classes", 3),
    ("dataset.colours", [[0, 0, 0]]), ("dataset.colours", [[0, 0, 0], [0, 0, 256]]), ("dataset.ids", [1, -1]),
    ("dataset.unknown", 2), ("dataset.edges", "yes"),
])
def test_what_is_none_is_named(key, value):
    check_facts(PLAIN)
    plain = copy.deepcopy(PLAIN)
    *above, last = key.split(".")
    (plain[above[0]] if above else plain)[last] = value
    with pytest.raises(ConfigError, match=rf"^{key}\b"):
        check_facts(plain)


@pytest.mark.parametrize(("key", "value"), [("dataset.name", "my/data"), ("recipe.name", "<b>"),
                                            ("dataset.classes", ["sky", "sky"]), ("x._target_", "os.system")])
def test_a_run_that_nobody_could_open_is_not_begun(key, value, tmp_path):
    cfg = OmegaConf.create({**PLAIN, "run_dir": str(tmp_path / "run")})
    OmegaConf.update(cfg, key, value, force_add=True)
    with pytest.raises(ConfigError, match=rf"^{key}\b"):
        runs.open_run(cfg, None)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("key", ["size", "icpe.enabled", "dataset.classes", "dataset.unknown"])
def test_what_lacks_is_named(key, tmp_path):
    plain = copy.deepcopy(PLAIN)
    *above, last = key.split(".")
    del (plain[above[0]] if above else plain)[last]
    assert lacking_facts(plain) == [key]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(plain))
    with pytest.raises(ConfigError, match=rf"config\.yaml is no whole configuration of a run, it lacks {key}"):
        runs.Run(tmp_path).whole("dataset")
