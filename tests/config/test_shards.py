import io
import shutil

import pytest
from commands import composed, load
from omegaconf import OmegaConf
from rich.console import Console

from semsynth import config
from semsynth.commands import check_data, make_shards
from semsynth.errors import ConfigError, EvaluationError
from semsynth.metrics.data_sets import DataSets

fx = load("tests/data/fixtures.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of one's own and its shards: (root, shards)."""
    place = tmp_path_factory.mktemp("shards")
    root, shards = fx.folder(place / "files", kind="colours", one_set=True), place / "shards"
    make_shards.make(composed("make_shards", "dataset=folder", f"dataset.root={root}", f"output={shards}"),
                     Console(file=io.StringIO()))
    return root, shards


WORDS = ["dataset=folder", "run_dir=x", "logger=csv", "loss=spade_no_vgg", "recipe.batch=8"]


def prepared(shards, *words):
    return config.prepare(composed("train", *WORDS, "data=shards", f"shards={shards}", *words))


def test_the_shards_know_the_classes(folder, tmp_path):
    """Of a folder whose files are not there, nor its classes.yaml."""
    root, shards = folder
    expected = config.prepare(composed("train", *WORDS, f"dataset.root={root}")).dataset
    found = prepared(shards, f"dataset.root={tmp_path / 'none'}").dataset
    for key in ("classes", "colours", "ids", "num_classes", "unknown", "masks"):
        assert found[key] == expected[key]
    assert found.masks == "colours"
    config.check_sources(composed("train", *WORDS, "data=shards", f"shards={shards}", f"dataset.root={tmp_path}/none"))


def test_the_recipe_follows_their_number(folder, tmp_path):
    root, shards = folder
    of_files = config.prepare(composed("train", *WORDS, f"dataset.root={root}"))
    assert prepared(shards, f"dataset.root={tmp_path / 'none'}").batch.total == of_files.batch.total < 8


def test_words_for_what_is_missing(folder):
    root, shards = folder
    with pytest.raises(ConfigError, match="data=shards needs shards=DIR, the folder that tools/make_shards.py"):
        config.prepare(composed("train", *WORDS, "data=shards"))
    with pytest.raises(ConfigError, match="dataset=scenes is drawn, not read: leave data=shards out"):
        prepared(shards, "dataset=scenes")
    with pytest.raises(ConfigError, match="of dataset=folder, not of dataset=camvid: name its own shards"):
        prepared(shards, "dataset=camvid")
    with pytest.raises(ConfigError, match="no shards, there is no index.json in it"):
        prepared(root)
    with pytest.raises(ConfigError, match="made with val_fraction=0.1, but dataset.val_fraction=0.5: set it likewise"):
        prepared(shards, "dataset.val_fraction=0.5")


def test_others_shards_take_the_place(folder, tmp_path):
    _, shards = folder
    shutil.copytree(shards, tmp_path / "copy")
    cfg = prepared(shards)
    cfg.shards = str(tmp_path / "copy")
    again = config.finalize(cfg)
    assert again.dataset.train.source.shards == str(tmp_path / "copy")
    assert again.dataset.train.source.source._target_.endswith("Folder")


def checked(*words):
    console = Console(file=io.StringIO(), width=200)
    return check_data.run(composed("check_data", "dataset=folder", *words), console), console.file.getvalue()


def test_check_data_reads_shards(folder, tmp_path):
    root, shards = folder
    of_files = checked(f"dataset.root={root}")
    of_shards = checked(f"dataset.root={tmp_path / 'none'}", f"shards={shards}")
    assert of_files == of_shards
    assert of_shards[0] == 0
    copy = tmp_path / "copy"
    shutil.copytree(shards, copy)
    damaged = next((copy / "train").glob("*.bin"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    code, output = checked(f"dataset.root={tmp_path / 'none'}", f"shards={copy}")
    assert code == 1
    assert "a damaged shard" in output


def test_an_evaluation_reads_what_the_run_did(folder, tmp_path):
    root, shards = folder
    facts = OmegaConf.to_container(prepared(shards, "size=[32,32]").dataset)
    assert f"data=shards shards={shards}" in DataSets(facts, config.built).trains_judge((32, 32))
    moved = DataSets(facts, config.built, shards=str(tmp_path))
    assert moved.facts["val"]["source"]["shards"] == str(tmp_path)
    files = DataSets(facts, config.built, root=root)
    assert files.facts["val"]["source"]["_target_"].endswith("Folder")
    with pytest.raises(EvaluationError, match="was read from files: root=DIR says where they are now"):
        DataSets(files.facts, config.built, shards=str(shards))
