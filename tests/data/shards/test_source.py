import numpy as np
import pytest
import torch

from semsynth.data.datamodule import DataModule
from semsynth.errors import DataError
from semsynth.metrics.real import dataset_identity

MASKS = ["ids", "palette", "colours"]


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) if torch.is_tensor(a[key]) else a[key] == b[key]
                                        for key in a)


def is_equal_throughout(build, name, root, shards, *overrides):
    words = ["size=[32,32]", "augment=light", *overrides]
    for split in ("train", "val"):
        files = build(name, root, split, words)
        packed = build(name, root, split, [*words, f"shards={shards}"])
        assert len(packed) == len(files)
        for epoch in range(2):
            files.set_epoch(epoch)
            packed.set_epoch(epoch)
            for index in range(len(files)):
                assert equal(files[index], packed[index])
                assert equal(files.photograph(index), packed.photograph(index))
                assert equal(files.label_map(index), packed.label_map(index))
                assert np.array_equal(files.read_image(index), packed.read_image(index))
                for a, b in zip(files.read(index)[1:], packed.read(index)[1:], strict=True):
                    assert (a is None and b is None) or (a.dtype == b.dtype and np.array_equal(a, b))


@pytest.mark.parametrize("name", ["camvid", "cityscapes", "ade20k", "coco_stuff", "celebamask_hq"])
def test_samples_are_those_of_the_files(name, fx, build, pack, tmp_path):
    root = fx.make(name, tmp_path / "files")
    pack(name, root, tmp_path / "shards")
    is_equal_throughout(build, name, root, tmp_path / "shards", "icpe.enabled=true")


@pytest.mark.parametrize("kind", MASKS)
def test_samples_of_a_folder(kind, fx, build, pack, tmp_path):
    root = fx.folder(tmp_path / "files", kind=kind, one_set=True)
    pack("folder", root, tmp_path / "shards", "dataset.instances=true")
    is_equal_throughout(build, "folder", root, tmp_path / "shards", "dataset.instances=true")
    is_equal_throughout(build, "folder", root, tmp_path / "shards")


def test_maps_are_fitted_to_their_pictures(fx, build, pack, tmp_path):
    root = fx.folder(tmp_path / "files")
    for path in (root / "train/labels").iterdir():
        fx.save(fx.blocks(np.random.default_rng(0), [0, 1, 2], 24, 32), path)
    pack("folder", root, tmp_path / "shards", "dataset.resize_masks=true")
    is_equal_throughout(build, "folder", root, tmp_path / "shards", "dataset.resize_masks=true")


def batches(dataset, skip=0, rank=0, world=1):
    data = DataModule(dataset, dataset, batch=2, num_workers=2, persistent_workers=False)
    loader = data.train_dataloader()
    loader.sampler.rank, loader.sampler.world = rank, world
    loader.sampler.set_epoch(1)
    loader.sampler.skip(skip)
    return list(loader)


def test_order_resume_and_ranks_are_those_of_the_files(cities, build):
    root, shards = cities
    files, packed = (build("cityscapes", root, overrides=["size=[16,32]", *words]) for words in
                     ([], [f"shards={shards}"]))
    _ = packed[0]  # handles that the workers inherit
    for place in ({}, {"skip": 4}, {"rank": 1, "world": 2}):
        expected, found = batches(files, **place), batches(packed, **place)
        assert len(found) == len(expected) > 0
        assert all(equal(a, b) for a, b in zip(expected, found, strict=True))


def test_files_need_not_be_there(cities, build, tmp_path):
    root, shards = cities
    expected = build("cityscapes", root)[3]
    root.rename(tmp_path / "gone")
    assert equal(build("cityscapes", root, overrides=[f"shards={shards}"])[3], expected)


def test_shards_of_another_data_set(cities, build, fx, pack, tmp_path):
    root, shards = cities
    words = [f"shards={shards}", "dataset.classes=[sky,road]", "dataset.colours=[[0,0,0],[9,9,9]]",
             "dataset.num_classes=2"]
    with pytest.raises(DataError, match=r"of cityscapes with 35 classes \(unlabeled, .*\), but this data set has 2 \(sk"
                                        r"y, road\): name its own shards, or make them anew"):
        build("cityscapes", root, overrides=words)


def test_instances_that_are_not_in_them(fx, build, pack, tmp_path):
    root = fx.folder(tmp_path / "files")
    pack("folder", root, tmp_path / "shards")
    with pytest.raises(DataError, match="made without instance maps: set dataset.instances=false, or make them anew"):
        build("folder", root, overrides=["dataset.instances=true", f"shards={tmp_path / 'shards'}"])


def test_statistics_of_real_images_are_told_apart(cities, build, pack):
    """Nothing is read for it; shards that are made anew count as others."""
    root, shards = cities
    words = [f"shards={shards}"]
    before = dataset_identity(build("cityscapes", root, overrides=words), [0, 1])
    assert before == dataset_identity(build("cityscapes", root, overrides=words), [0, 1])
    assert before["root"] == str(shards)
    pack("cityscapes", root, shards, "overwrite=true")
    assert before != dataset_identity(build("cityscapes", root, overrides=words), [0, 1])


def test_a_damaged_map_is_told(cities, build):
    root, shards = cities
    place = next((shards / "train").glob("*.bin"))
    data = bytearray(place.read_bytes())
    start = data.rindex(b"\x78\x9c")  # of a stream of zlib
    data[start + 8] ^= 255
    place.write_bytes(data)
    packed = build("cityscapes", root, overrides=[f"shards={shards}"])
    with pytest.raises(DataError, match=r"InstanceIds|labelIds.png: damaged in its shard"):
        _ = [packed[index] for index in range(len(packed))]
