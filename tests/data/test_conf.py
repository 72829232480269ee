"""The yamls of data say what the signatures say."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import yaml
from hydra.utils import get_object, instantiate

CONF = Path(__file__).parents[2] / "conf"
DIFFERENT = {("icpe/default.yaml", "enabled")}  # auto, until the norm is known; a data set alone has none


@pytest.mark.parametrize("name", ["data/default.yaml", "icpe/default.yaml", "dataset/paired/train.yaml"])
def test_every_argument_is_spelled_with_its_default(name):
    node = yaml.safe_load((CONF / name).read_text())
    parameters = inspect.signature(get_object(node["_target_"])).parameters
    spelled = {key for key in node if not key.startswith("_")} | {"source"}  # stated by each data set
    assert spelled >= set(parameters)
    for key, value in node.items():
        if key in parameters and (name, key) not in DIFFERENT and not str(value).startswith("${"):
            assert value == parameters[key].default, key


def test_validation_has_the_arguments_of_training():
    train, val = (yaml.safe_load((CONF / f"dataset/paired/{split}.yaml").read_text()) for split in ("train", "val"))
    assert list(train) == list(val)


def test_recipes_have_the_same_keys():
    recipes = {path.stem: yaml.safe_load(path.read_text()) for path in (CONF / "recipe").glob("*.yaml")}
    assert {name: recipe["name"] for name, recipe in recipes.items()} == {name: name for name in recipes}
    for name in ("ade20k_outdoor", "scenes_parts"):
        assert recipes.pop(name).keys() == {"defaults", "name"}  # those of ade20k and scenes
    keys = {name: {*recipe} - {"by_size"} for name, recipe in recipes.items()}
    assert all(found == keys["cityscapes"] for found in keys.values()), keys


@pytest.mark.parametrize("group", ["recipe", "scoring"])
def test_every_data_set_has_one_of_its_own(group):
    names = [{path.name for path in (CONF / folder).glob("*.yaml")} for folder in ("dataset", group)]
    assert names[0] == names[1]


def test_another_recipe_brings_its_rates_and_losses(compose):
    """How pictures are read, and by whom they are judged, stays the data set's."""
    cfg = compose("cityscapes", "x", "recipe=camvid", command="train")
    assert (cfg.recipe.batch, cfg.callbacks.whole_batch.name) == (8, "camvid")
    assert cfg.loss.generator.perceptual.required is False
    assert (list(cfg.size), cfg.segmenter.name, cfg.protocol.name) == ([256, 512], "drn_d_105", "clade")


def test_published_recipes(compose):
    for name, size, batch in (
        ("ade20k_outdoor", [256, 256], 32),
        ("cityscapes", [256, 512], 16),
        ("coco_stuff", [256, 256], 32),
    ):
        cfg = compose(name, "x", command="train")
        assert (list(cfg.size), cfg.recipe.batch, cfg.epochs) == (size, batch, 200)
        assert cfg.recipe.regenerate_fake


@pytest.mark.parametrize("augment", sorted(path.stem for path in (CONF / "augment").glob("*.yaml")))
def test_augmentations_change_the_image_only(augment, fx, build, tmp_path):
    overrides = ["size=[32,32]", f"augment={augment}"]
    root = fx.coco_stuff(tmp_path)
    changed = build("coco_stuff", root, overrides=overrides)
    plain = build("coco_stuff", root, overrides=overrides[:1])
    same = True
    for epoch in range(6):
        for dataset in (plain, changed):
            dataset.set_epoch(epoch)
        a, b = plain[0], changed[0]
        np.testing.assert_array_equal(a["labels"], b["labels"])
        np.testing.assert_array_equal(a["instances"], b["instances"])
        same &= a["image"].equal(b["image"])
    assert same == (augment == "none")


def test_the_loaders_are_built_from_yaml(fx, compose, tmp_path):
    from semsynth.config import finalize

    cfg = finalize(compose("camvid", fx.camvid(tmp_path), "size=[16,32]", "batch=2", "data.num_workers=0",
                           command="train"))
    data = instantiate(cfg.data, _convert_="all")
    data.prepare_data()
    assert next(iter(data.train_dataloader()))["image"].shape == (2, 3, 16, 32)
