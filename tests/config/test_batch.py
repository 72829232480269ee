"""The batch of an optimizer step on any number of devices."""

import pytest
from commands import ROOT, composed

from semsynth.config.batch import split
from semsynth.config.defaults import finalize
from semsynth.errors import ConfigError

RECIPES = sorted(path.stem for path in (ROOT / "conf" / "recipe").glob("*.yaml"))


@pytest.mark.parametrize(("given", "processes", "found"), [
    ({}, 1, (32, 32, 1)), ({}, 8, (32, 4, 1)), ({"total": 16}, 8, (16, 2, 1)), ({"device": 4}, 2, (32, 4, 4)),
    ({"accumulation": 2}, 4, (32, 4, 2)), ({"total": 24, "device": 3}, 2, (24, 3, 4)),
    ({"device": 4, "accumulation": 1}, 8, (32, 4, 1)), ({"device": 4, "accumulation": 1}, 3, (12, 4, 1)),
    ({"total": 24, "device": 3, "accumulation": 4}, 2, (24, 3, 4))])
def test_what_follows(given, processes, found):
    given = {"total": None, "device": None, "accumulation": None} | given
    assert split(**given, processes=processes, usual=32) == found
    assert found[0] == found[1] * found[2] * processes


@pytest.mark.parametrize(("given", "processes", "message"), [
    ({}, 3, "the recipe's batch of 32 is no multiple of 3 devices: set batch.total=30 or batch.total=33"),
    ({}, 64, "the recipe's batch of 32 is no multiple of 64 devices: set batch.total=64"),
    ({"total": 8, "device": 3}, 2, "batch.total=8 is no multiple of 2 devices x batch.device=3: set batch.total=6 or "
                                   "batch.total=12"),
    ({"total": 8, "device": 2, "accumulation": 2}, 1, "batch.total=8 is no multiple of batch.device=2 x "
                                                      "batch.accumulation=2: set batch.total=4")])
def test_what_cannot_be_shared_is_refused_with_the_way_out(given, processes, message):
    with pytest.raises(ConfigError) as refused:
        split(**({"total": None, "device": None, "accumulation": None} | given), processes=processes, usual=32)
    assert str(refused.value) == message


@pytest.mark.parametrize(("recipe", "words"), [
    *((recipe, ["gpus=4", "nodes=2"]) for recipe in RECIPES), ("ade20k", []), ("ade20k", ["gpus=2", "batch.device=2"])])
def test_a_recipe_keeps_its_batch_and_its_weight_of_the_kl_term(recipe, words):
    cfg = finalize(composed("train", f"recipe={recipe}", "run_dir=x", *words))
    total, device, accumulation = cfg.batch.values()
    assert total == cfg.recipe.batch
    assert (cfg.data.batch, cfg.system.accumulate) == (device, accumulation)
    kl = cfg.loss.generator.kl
    assert (kl.samples, kl.weight) == (cfg.recipe.kl_samples, cfg.recipe.kl)


@pytest.mark.parametrize(("command", "words", "found"), [
    ("train_segmenter", [], (16, 4, 1)), ("train_segmenter", ["batch=3"], (12, 3, 1)),
    ("train_segmenter", ["batch.total=8", "batch.device=1"], (8, 1, 2)), ("train_style_regressor", [], (32, 8, 1))])
def test_other_trainings_share_theirs_alike(command, words, found):
    cfg = finalize(composed(command, "gpus=4", "output=x.safetensors", *words))
    assert tuple(cfg.batch.values()) == found
    assert (cfg.data.batch, cfg.trainer.accumulate_grad_batches) == found[1:]
