import importlib
import os

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close
from torch.utils.data import Dataset

from semsynth.data.paired import PairedDataset
from semsynth.data.scenes.dataset import Scenes
from semsynth.data.source import Source, files_in, match
from semsynth.metrics import real
from semsynth.metrics.cache import StatisticsCache
from semsynth.metrics.pixels import image_tensor
from semsynth.metrics.real import RealImages, dataset_identity
from semsynth.metrics.statistics import real_statistics


class Net:
    """Mean colours; counts its calls."""

    name = "net"

    def __init__(self, sha256="a"):
        self.calls, self.sha256 = 0, sha256

    def __call__(self, images):
        self.calls += 1
        return images.mean((2, 3))

    def description(self):
        return {"name": self.name, "sha256": self.sha256}

    def to(self, device):
        return self


class Noise(Dataset):
    def __len__(self):
        return 7

    def __getitem__(self, index):
        if not 0 <= index < 7:
            raise IndexError
        return torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(index))


class Files(Source):
    title = layout = "files"

    def find(self, instances):
        images = {p.stem: p for p in files_in(self.root / "images", [".png"])}
        return match(images, {p.stem: p for p in files_in(self.root / "labels", [".png"])})


def measured(net, cache, identity=None, pool=5, batch=3):
    return real_statistics(Noise(), net, identity or {"images": "noise"}, pool=pool, cache=cache, batch=batch)


def test_statistics_are_those_of_all_images(tmp_path):
    found = measured(Net(), StatisticsCache(tmp_path))
    vectors = torch.stack([image.mean((1, 2)) for image in Noise()])
    assert_close(found.moments.covariance, np.cov(vectors.numpy().astype(float), rowvar=False), rtol=1e-9, atol=1e-12)
    assert_close(found.vectors, vectors[:5])


def test_a_second_measurement_reads_the_cache(tmp_path):
    cache, net = StatisticsCache(tmp_path), Net()
    first = measured(net, cache)
    calls = net.calls
    second = measured(net, cache, batch=2)
    assert net.calls == calls
    assert_close(second.moments.scatter, first.moments.scatter, rtol=0, atol=0)
    assert_close(second.vectors, first.vectors, rtol=0, atol=0)
    assert [p.suffix for p in (tmp_path / "statistics").iterdir()] == [".npz"]


@pytest.mark.parametrize("change", [{"net": Net("b")}, {"identity": {"images": "others"}}, {"pool": 3}])
def test_whatever_moves_them_measures_anew(tmp_path, change):
    cache = StatisticsCache(tmp_path)
    measured(Net(), cache)
    net = change.pop("net", Net())
    measured(net, cache, **change)
    assert net.calls


def test_a_broken_file_counts_as_absent(tmp_path):
    cache = StatisticsCache(tmp_path)
    measured(Net(), cache)
    path = next((tmp_path / "statistics").iterdir())
    whole = path.read_bytes()
    for content in (b"", b"nonsense", whole[:-20], whole[: len(whole) // 2]):
        path.write_bytes(content)
        net = Net()
        measured(net, cache)
        assert net.calls
    other = cache.path({"another": "key"})
    path.rename(other)
    assert cache.load({"another": "key"}) is None


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path):
    (tmp_path / "file").write_text("")
    found = measured(Net(), StatisticsCache(tmp_path / "file"))
    assert found.count == 7


def test_the_default_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("SEMSYNTH_CACHE", str(tmp_path))
    assert StatisticsCache().folder == tmp_path
    monkeypatch.delenv("SEMSYNTH_CACHE")
    assert str(StatisticsCache().folder).endswith(".cache/semsynth")


def paired(root, **settings):
    values = {"num_classes": 4, "size": (8, 8), "random": True, "flip": True, "load_ratio": 1.5} | settings
    return PairedDataset(Files(root, "train"), **values)


def test_files_are_read_without_crop_and_flip(small, tmp_path):
    folder, _ = small.pairs(tmp_path, 5, size=(20, 12))
    dataset = paired(tmp_path)
    for resize in ("bilinear", "bicubic"):
        images = RealImages(dataset, (10, 6), resize)
        for position, index in enumerate(images.order):
            expected = image_tensor(Image.open(dataset.pairs[index].image), (10, 6), resize)
            assert_close(images[position], expected)
    images = RealImages(dataset, (10, 6), "interpolate")
    whole = torch.from_numpy(np.asarray(Image.open(dataset.pairs[images.order[0]].image)).copy()).permute(2, 0, 1)
    expected = torch.nn.functional.interpolate(whole[None].double(), (10, 6), mode="bilinear", align_corners=False)[0]
    assert_close(((images[0] + 1) * 127.5).double(), expected, rtol=0, atol=1e-4)  # neither antialiased nor rounded
    native = RealImages(dataset, (10, 6), "native", count=3)
    assert native.native_sizes
    assert (len(native), native[0].shape) == (3, (3, 20, 12))
    path = folder / "00.png"
    assert_close(image_tensor(Image.open(path), None, "bicubic").permute(1, 2, 0).numpy(),
                 np.asarray(Image.open(path), np.float32) / 127.5 - 1)


def test_identity_follows_the_files(small, tmp_path):
    folder, _ = small.pairs(tmp_path, 4)
    before = RealImages(paired(tmp_path), (8, 8)).identity()
    assert RealImages(paired(tmp_path), (8, 8)).identity() == before
    changed = [RealImages(paired(tmp_path), (8, 9)), RealImages(paired(tmp_path), (8, 8), "bilinear"),
               RealImages(paired(tmp_path), (8, 8), "interpolate"),
               RealImages(paired(tmp_path), (8, 8), count=3)]
    assert all(images.identity() != before for images in changed)
    os.utime(folder / "01.png", (1, 1))
    assert RealImages(paired(tmp_path), (8, 8)).identity() != before


@pytest.mark.parametrize("what", ["READING", "DRAWING"])
def test_identity_follows_the_code_between_files_and_pixels(what, small, tmp_path, monkeypatch):
    small.pairs(tmp_path, 4)
    images = RealImages(paired(tmp_path) if what == "READING" else Scenes(4, 16), (16, 16))
    before = images.identity()
    copy = tmp_path / "copy.py"
    copy.write_bytes(getattr(real, what)[0].read_bytes() + b"# turned otherwise\n")
    monkeypatch.setattr(real, what, (copy, *getattr(real, what)[1:]))
    assert images.identity() != before


def test_identity_follows_the_code_that_draws(tmp_path, monkeypatch):
    """Another version of the drawer draws other images under the same settings."""
    found = []
    for shade in (0, 1):
        (tmp_path / "drawer").mkdir(exist_ok=True)
        (tmp_path / "drawer" / "__init__.py").touch()
        (tmp_path / "drawer" / "brush.py").write_text(f"SHADE = {shade}\n")
        (tmp_path / "drawer" / "dataset.py").write_text("class Drawn:\n    def __len__(self):\n        return 2\n")
        monkeypatch.syspath_prepend(tmp_path)
        found.append(dataset_identity(importlib.import_module("drawer.dataset").Drawn(), [0, 1]))
    assert found[0] != found[1]


def test_identity_follows_what_is_drawn():
    identities = [RealImages(Scenes(4, 16, seed=s, split=split), (16, 16)).identity()
                  for s, split in ((0, "val"), (1, "val"), (0, "train"))]
    assert len({str(i) for i in identities}) == 3
    assert identities[0] == RealImages(Scenes(4, 16, split="val"), (16, 16)).identity()
    other = Scenes(4, 16, split="train")
    other.set_epoch(2)
    assert RealImages(other, (16, 16)).identity() != identities[2]
