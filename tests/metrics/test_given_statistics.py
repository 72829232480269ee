"""FID against the statistics of others."""

import hashlib
import zipfile

import numpy as np
import pytest
import torch

from semsynth.errors import EvaluationError
from semsynth.evaluation.assembly import Assembly
from semsynth.evaluation.evaluator import Evaluator
from semsynth.metrics import given_statistics
from semsynth.metrics.cache import StatisticsCache
from semsynth.metrics.frechet import frechet_distance
from semsynth.metrics.given_statistics import NO_VECTORS, read_statistics

F = 6


class Colours:
    """Six features of an image, under the name of the network of FID."""

    name, general = "inception", True

    def __call__(self, images):
        return torch.cat([images.mean((2, 3)), images.std((2, 3))], 1)

    def description(self):
        return {"name": self.name}

    def to(self, device):
        return self


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    monkeypatch.setattr(given_statistics, "INCEPTION_FEATURES", F)


@pytest.fixture
def moments():
    rows = np.random.default_rng(0).normal(size=(20, F))
    return rows.mean(0), np.cov(rows, rowvar=False)


@pytest.fixture
def file(moments, tmp_path):
    np.savez(tmp_path / "stats.npz", mu=moments[0], sigma=moments[1])
    return tmp_path / "stats.npz"


def test_fid_is_taken_against_them_and_nothing_else(small, file, moments, tmp_path):
    given = read_statistics([str(file)], "train")
    assert given.description() == {"split": "train", "files": ["stats.npz"],
                                   "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    parts, net = Assembly(small.protocol()), Colours()
    images = torch.rand(8, 3, 8, 8)

    class Real(torch.utils.data.TensorDataset):
        native_sizes = False

        def __getitem__(self, index):
            return super().__getitem__(index)[0]

        def identity(self):
            return {}

    def never():
        raise AssertionError("the real training images are not looked at")

    real = parts.statistics([net], {"train": never, "val": lambda: Real(images)}, cache=StatisticsCache(tmp_path),
                            batch=4, workers=0, device="cpu", given=given)
    evaluator = Evaluator(small.protocol(), small.classes, features=[net], real=real)
    fake, labels, _ = small.batch(12)
    evaluator.update(fake, labels)
    found = evaluator.compute().scores
    vectors = net(((fake + 1) * 127.5).round() / 127.5 - 1).double().numpy()
    expected = frechet_distance(vectors.mean(0), np.cov(vectors, rowvar=False), *moments)
    assert found["fid/train"] == pytest.approx(expected, rel=1e-4)
    assert {"fid/val", "kid/val", "coverage/inception"} <= set(found)
    lost = {"kid/train", *(f"{kind}/inception/train" for kind in ("precision", "recall", "density", "coverage"))}
    assert parts.skipped == dict.fromkeys(lost, NO_VECTORS)
    assert lost.isdisjoint(found)


def test_without_the_network_they_are_refused(small, file):
    with pytest.raises(EvaluationError, match="real_statistics are of Inception's features, which are not there"):
        Assembly(small.protocol()).statistics([], {}, cache=None, batch=1, workers=0, device="cpu",
                                              given=read_statistics([str(file)], "val"))


def test_a_pair_of_files_says_the_same(file, moments, tmp_path):
    pair = [str(tmp_path / name) for name in ("mu.npy", "sigma.npy")]
    for path, array in zip(pair, moments, strict=True):
        np.save(path, array.astype(np.float32))  # rounded: still symmetric and semi-definite within tolerance
    given = read_statistics(pair, "train")
    whole = read_statistics([str(file)], "train")
    np.testing.assert_allclose(given.moments.covariance, whole.moments.covariance, atol=1e-6)
    np.testing.assert_allclose(given.moments.mean, whole.moments.mean, atol=1e-6)
    assert given.files == ("mu.npy", "sigma.npy")


@pytest.mark.parametrize(("change", "message"), [
    (lambda mu, sigma: (mu[1:], sigma), r"mu must be \(6,\).*got \(5,\) and \(6, 6\)"),
    (lambda mu, sigma: (mu * np.nan, sigma), "holds NaN or infinite numbers"),
    (lambda mu, sigma: (mu, sigma + np.triu(np.ones((F, F)), 1)), "sigma is not symmetric"),
    (lambda mu, sigma: (mu, sigma - np.eye(F)), "sigma is no covariance: its smallest eigenvalue is -"),
    (lambda mu, sigma: (mu.astype(object), sigma), "cannot be read"),
])
def test_what_is_no_mean_and_covariance_is_refused(moments, tmp_path, change, message):
    mu, sigma = change(*moments)
    np.savez(tmp_path / "s.npz", mu=mu, sigma=sigma)
    with pytest.raises(EvaluationError, match=message):
        read_statistics([str(tmp_path / "s.npz")], "train")


def test_what_else_a_file_holds_takes_no_memory(file, moments):
    """An archive of a megabyte may hold gigabytes."""
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("others.npy", b"is not looked at")
    assert np.array_equal(read_statistics([str(file)], "val").moments.mean, moments[0])


def test_wrong_files_are_named(file, tmp_path):
    np.savez(tmp_path / "other.npz", mean=np.zeros(F))
    (tmp_path / "cut.npz").write_bytes(file.read_bytes()[:100])
    for names, message in ((["other.npz"], "holds no mu, but mean"), (["cut.npz"], "damaged, cut off"),
                           (["nowhere.npz"], "no such file"), (["mu.npy"], r"give FILE\.npz, or \[MU\.npy,SIGMA")):
        with pytest.raises(EvaluationError, match=message):
            read_statistics([str(tmp_path / name) for name in names], "train")
    with pytest.raises(EvaluationError, match="real_statistics_of=test must be train or val"):
        read_statistics([str(file)], "test")
