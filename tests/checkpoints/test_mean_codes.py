"""SEAN's released average codes become those of the generator."""

import numpy as np
import pytest
import released_sean
import torch
from importing import import_run, save
from torch.testing import assert_close

from semsynth import runs
from semsynth.checkpoints.mean_codes import read_mean_codes
from semsynth.errors import CheckpointError, ConfigError

K, Z = 19, released_sean.CODES


def write(path, code):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, code)


@pytest.fixture
def styles(tmp_path):
    """Of three images; class 2 is in one of them, and class 4 in none."""
    folder, rng = tmp_path / "styles_test", np.random.default_rng(0)
    codes = {k: rng.uniform(-1, 1, (1 if k == 2 else 3, Z)).astype(np.float32) for k in range(4)}
    for k, of_images in codes.items():
        write(folder / "mean_style_code" / "mean" / str(k) / "ACE.npy", of_images.mean(0))
        for i, code in enumerate(of_images):
            write(folder / "style_codes" / f"{28000 + i}.jpg" / str(k) / "ACE.npy", code)
    return folder, codes


def test_they_are_those_of_the_run(styles, tmp_path):
    folder, codes = styles
    source = save(tmp_path / "models", generator=released_sean.generator_state(K))
    lines = import_run(source, tmp_path / "run", f"codes={folder}")
    assert any("means of 4 of 19 classes" in line and "deviations from 3 images" in line for line in lines)
    assert any("celebamask_hq, which alone has 19 label channels" in line for line in lines)
    found = runs.Run(tmp_path / "run").generator.codes
    for k, of_images in codes.items():
        assert_close(found.means[k].numpy(), of_images.mean(0))
        assert_close(found.deviations[k].numpy(), of_images.std(0), atol=1e-6, rtol=0)
    assert found.known.tolist() == [3, 3, 1, 3, *[0] * 15]
    assert (found.means[4:] == 0).all()
    assert (found.deviations[4:] == 1).all()


def test_of_means_alone_styles_are_drawn_as_they_are(styles):
    folder, _ = styles
    found, line = read_mean_codes(folder / "mean_style_code" / "mean", K, Z)
    assert "no deviations" in line
    assert (found["codes.deviations"][:4] == 0).all()
    assert torch.equal(found["codes.means"], read_mean_codes(folder, K, Z)[0]["codes.means"])


def broken(path):
    path.write_bytes(b"no array")


@pytest.mark.parametrize(("change", "message"), [
    (broken, "no array that can be read"), (lambda p: np.save(p, np.zeros(Z + 1)), f"has {Z} finite numbers"),
    (lambda p: np.save(p, np.full(Z, np.nan)), "finite"), (lambda p: np.save(p, np.zeros(Z, np.int64)), "int64"),
    (lambda p: np.savez(p.open("wb"), a=np.zeros(Z)), "archive of arrays"),
    (lambda p: np.save(p, np.array([{}]), allow_pickle=True), "no array that can be read")])
def test_a_broken_file_is_named(change, message, styles):
    path = styles[0] / "mean_style_code" / "mean" / "1" / "ACE.npy"
    change(path)
    with pytest.raises(CheckpointError, match=f"{path}: .*{message}"):
        read_mean_codes(styles[0], K, Z)


def test_other_folders_are_refused(styles, tmp_path):
    with pytest.raises(CheckpointError, match="holds neither mean_style_code/mean/CLASS/ACE.npy"):
        read_mean_codes(tmp_path, K, Z)
    with pytest.raises(CheckpointError, match=r"3/ACE.npy: the network has the classes 0 to 2"):
        read_mean_codes(styles[0], 3, Z)


def test_another_generator_has_none(styles):
    from semsynth.runs.importing import add_codes

    with pytest.raises(ConfigError, match="belongs to SEAN's generator"):
        add_codes({"fc.weight": torch.zeros(1)}, styles[0])
