import inspect
from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from semsynth.data.scenes import CLASSES, COLOURS, Scenes

YAML = Path(__file__).parents[3] / "conf" / "dataset" / "scenes.yaml"


@pytest.fixture
def cfg():
    dataset = OmegaConf.load(YAML)
    icpe = {"_target_": "semsynth.semantics.icpe.Offsets", "enabled": True}
    return OmegaConf.create({"dataset": dataset, "size": [32, 64], "seed": 7, "icpe": icpe})


def test_yaml_states_the_classes_of_the_package(cfg):
    assert tuple(cfg.dataset.classes) == CLASSES
    assert tuple(map(tuple, cfg.dataset.colours)) == COLOURS
    assert cfg.dataset.num_classes == len(CLASSES)
    assert cfg.dataset.unknown is None
    assert cfg.dataset.edges is cfg.dataset.instances is False


@pytest.mark.parametrize("instances", [True, False])
@pytest.mark.parametrize(("split", "length", "seed"), [("train", 1600, 7), ("val", 256, 0)])
def test_yaml_builds_both_splits(cfg, split, length, seed, instances):
    cfg.dataset.instances = instances
    dataset = instantiate(cfg.dataset[split], _convert_="all")
    assert isinstance(dataset, Scenes)
    assert (len(dataset), dataset.split, dataset.seed) == (length, split, seed)
    sample = dataset[0]
    assert sample["image"].shape == (3, 32, 64)
    assert sample["offsets"].shape == (2, 32, 64)
    assert ("instances" in sample) == instances


@pytest.mark.parametrize("split", ["train", "val"])
def test_yaml_spells_every_argument(cfg, split):
    node = OmegaConf.to_container(cfg.dataset[split], resolve=True)
    signature = inspect.signature(Scenes).parameters
    assert set(node) - {"_target_"} == set(signature)
    for name in ("flip", "fresh"):
        assert node[name] == signature[name].default
