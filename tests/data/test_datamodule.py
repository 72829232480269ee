import os
import signal

import numpy as np
import pytest
import torch
from hydra.utils import instantiate

from semsynth.config import finalize
from semsynth.data.datamodule import DataModule
from semsynth.data.precheck import precheck
from semsynth.data.spread import spread_order
from semsynth.errors import DataError
from semsynth.semantics import Reading
from semsynth.semantics.batch import LabelPreparation


@pytest.fixture
def module(fx, build, tmp_path):
    root = fx.coco_stuff(tmp_path, counts=(5, 3))
    overrides = ["size=[16,16]", "icpe.enabled=true"]

    def run(**keywords):
        values = {"batch": 2, "num_workers": 0, "precheck_seconds": 5}
        sets = {split: lambda split=split: build("coco_stuff", root, split, overrides) for split in ("train", "val")}
        return DataModule(**(sets | values | keywords))

    run.root = root
    return run


def test_batches(module):
    data = module()
    data.prepare_data()
    train, val = data.train_dataloader(), data.val_dataloader()
    assert (len(train), len(val)) == (2, 2)  # the training remainder is dropped
    batch = next(iter(train))
    assert set(batch) == {"image", "labels", "instances", "offsets", "name"}
    assert batch["image"].shape == (2, 3, 16, 16)
    assert batch["labels"].shape == batch["instances"].shape == (2, 16, 16)
    assert batch["offsets"].shape == (2, 2, 16, 16)
    assert all(isinstance(name, str) for name in batch["name"])
    assert sorted(name for batch in val for name in batch["name"]) == [f"{i:012d}" for i in range(3)]


READINGS = [Reading(h, h, {"classes", "patches"}) for h in (8, 16)]


def prepared(data, num_classes=183):
    data.prepare_labels(LabelPreparation(num_classes, (16, 16), READINGS))
    return data


def test_workers_prepare_label_maps_to_the_bit(module):
    """As this process would, in shared memory as one segment, in two epochs."""
    batches = []
    for workers in (0, 1):
        loader = prepared(module(num_workers=workers)).train_dataloader()
        for epoch in range(2):
            loader.sampler.set_epoch(epoch)
            batches.append(list(loader))
    prepare = LabelPreparation(183, (16, 16), READINGS)
    for mine, theirs in zip(batches[0] + batches[1], batches[2] + batches[3], strict=True):
        assert "labels" in mine  # without workers the device of the networks does it
        assert set(theirs) == {"image", "semantics", "name"}
        assert mine["name"] == theirs["name"]
        assert theirs["semantics"].buffer.is_shared()
        assert torch.equal(mine["image"], theirs["image"])
        found = []
        for packed in (prepare(mine)["semantics"], theirs["semantics"]):
            tensors = []
            packed.unpacked().map(lambda t, kept=tensors: kept.append(t) or t)
            found.append(tensors)
        assert len(found[0]) >= 14
        assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
    assert not torch.equal(batches[2][0]["image"], batches[3][0]["image"])


def test_validation_prepares_nothing_for_a_backward_pass(module):
    data = prepared(module(num_workers=1))
    for loader, backward in ((data.train_dataloader(), True), (data.val_dataloader(), False)):
        semantics = next(iter(loader))["semantics"].unpacked()
        assert (semantics.by_class().pieces is not None) == backward


def test_a_label_out_of_range_is_told_by_the_worker(module):
    data = prepared(module(num_workers=1), num_classes=1)
    with pytest.raises(DataError, match=r"label maps of 0+\d, 0+\d: labels lie in .* num_classes=1 allows only"):
        next(iter(data.train_dataloader()))


class _Threads(torch.utils.data.Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return {"image": torch.zeros(3, 16, 16), "labels": torch.zeros(16, 16).long(),
                "name": str(torch.get_num_threads())}


def test_workers_keep_to_one_thread():
    data = prepared(DataModule(_Threads(), _Threads(), batch=2, num_workers=1))
    assert next(iter(data.train_dataloader()))["name"] == ["1", "1"]


def test_the_sampler_tells_the_data_set_the_epoch(module):
    data = module()
    loader = data.train_dataloader()
    loader.sampler.set_epoch(3)
    third = [batch["image"] for batch in loader]
    loader.sampler.set_epoch(4)
    assert not torch.equal(third[0], next(iter(loader))["image"])
    again = module().train_dataloader()
    again.sampler.set_epoch(3)
    again.sampler.skip(2)
    assert torch.equal(next(iter(again))["image"], third[1])


def test_a_built_data_set_will_do(module):
    dataset = module().train_set
    assert DataModule(dataset, dataset, batch=1, num_workers=0).train_set is dataset


def test_fewer_samples_than_a_batch(module):
    with pytest.raises(DataError, match="has 5 samples, less than one batch of 6: set batch=5 or less"):
        module(batch=6).prepare_data()


def test_bad_files_are_found_before_training(module):
    labels = module.root / "val_label" / "000000000002.png"
    labels.write_bytes(labels.read_bytes()[:60])
    with pytest.raises(DataError, match="000000000002.png"):
        module().prepare_data()
    module(precheck_seconds=0).prepare_data()


def test_all_faults_are_told_at_once(fx, compose, tmp_path):
    """Those of names, sizes, ids and damage, of both splits; each once."""
    root = fx.folder(tmp_path, counts=(12, 0), one_set=True)
    (root / "labels/train1.png").unlink()
    fx.save(np.zeros((8, 8), np.uint8), root / "labels/train2.png")
    fx.save(np.full((48, 64), 9, np.uint8), root / "labels/train3.png")
    (root / "images/train4.jpg").write_text("x")
    cfg = finalize(compose("folder", root, "size=[16,16]", "dataset.val_fraction=0.4", "data.num_workers=0",
                           command="train"))
    with pytest.raises(DataError) as caught:
        instantiate(cfg.data, _convert_="all").prepare_data()
    lines = str(caught.value).splitlines()
    for name, part in (("train1.jpg", "without labels"), ("train2.png", "8x8"), ("train3.png", "label id 9"),
                       ("train4.jpg", "cannot be decoded")):
        assert sum(name in line.split(": ")[0] and part in line for line in lines) == 1
    assert len(lines) == 5
    assert "4 faults found so far; `python tools/check_data.py`" in lines[-1]
    cfg.data.precheck_seconds = 0
    with pytest.raises(DataError, match=r"train1\.jpg: image without labels .*\n1 fault found"):
        instantiate(cfg.data, _convert_="all").prepare_data()


def test_precheck_leaves_drawn_data_alone_and_keeps_to_its_time(module):
    assert precheck([[1, 2, 3]], 5) == 0
    assert precheck([module().train_set], 1e-9) == 1
    assert precheck([module().train_set, module().val_set], 5) == 8
    assert precheck([module().train_set], 0) == 0


@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_spread_order(count):
    order = spread_order(count)
    assert sorted(order) == list(range(count))
    if count == 64:
        assert sorted(order[:4]) == [0, 16, 32, 48]


def test_pictures_of_different_sizes(fx, build, tmp_path):
    root = fx.camvid(tmp_path, counts=(2, 1))
    fx.save(fx.picture(96, 64), root / "train/train_2.jpg")
    fx.save(fx.picture(96, 64)[:, :, 0] // 32, root / "trainannot/train_2.png")
    dataset = build("camvid", root, overrides=["dataset.preprocess=none"])
    with pytest.raises(DataError, match=r"different sizes \[\(64, 64\), \(96, 64\)\].*batch=1"):
        next(iter(DataModule(dataset, dataset, batch=2, num_workers=0).train_dataloader()))


def test_arguments(module):
    with pytest.raises(ValueError, match="batch"):
        module(batch=0)


def test_workers_outlive_signals_from_others_and_end_by_the_parent(module):
    data = module(num_workers=1, batch=1)
    batches = iter(data.train_dataloader())
    next(batches)
    worker = batches._workers[0]
    for name in ("INT", "USR1", "USR2", "TERM"):
        os.system(f"kill -{name} {worker.pid}")  # sent by another process
    assert len(list(batches)) == 4
    os.kill(worker.pid, signal.SIGTERM)
    worker.join(5)
    assert worker.exitcode == 0


def test_sides_that_cannot_be_had_one_at_a_time_are_refused():
    loaders = DataModule(_Threads(), _Threads(), batch=1, unpaired="shuffled")
    with pytest.raises(ValueError, match="_Threads has no `photograph` and `label_map`"):
        loaders.streams  # noqa: B018
