import pytest
import torch
from commands import SMALL, composed

from semsynth import config, runs
from semsynth.training import launch


@pytest.fixture
def train(cities, tmp_path):
    """Train for two epochs of two batches; returns the weights."""
    root, shards = cities

    def run(name, *words):
        cfg = config.prepare(composed(
            "train", *SMALL[:-3], "data.num_workers=1", *SMALL[-2:], "dataset=cityscapes", f"dataset.root={root}",
            "loss=spade_no_vgg", "encoder=none", "scoring=folder", "scores=none", "size=[64,128]", "augment=light",
            f"run_dir={tmp_path / name}", "trainer=smoke", "epochs=2", *words))
        trainer, system, data = runs.build(cfg)
        launch.fit(trainer, system, data, None)
        return cfg, system.state_dict()

    return run, shards


def test_it_trains_as_on_the_files(train):
    """Bit by bit, over epochs that have other orders, crops, flips and colours."""
    run, shards = train
    files, packed = run("files"), run("packed", "data=shards", f"shards={shards}")
    assert packed[0].data.train.source.shards == str(shards)
    assert files[1].keys() == packed[1].keys()
    assert all(torch.equal(value, packed[1][key]) for key, value in files[1].items())
