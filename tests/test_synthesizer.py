"""Synthesizer: pictures from label maps in three lines of Python, also from an installed wheel."""

import doctest
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import semsynth.synthesizer
from semsynth import Synthesizer, runs
from semsynth.errors import ConfigError, StyleError
from semsynth.semantics import Semantics
from semsynth.semantics.edges import instance_edges
from semsynth.semantics.icpe import icpe_offsets

ROOT = Path(__file__).parents[1]


def maps(count=2, size=(32, 32)):
    return torch.randint(5, (count, *size), generator=torch.Generator().manual_seed(3))


def test_the_example_of_the_docstring(tiny_run):
    results = doctest.testmod(semsynth.synthesizer, extraglobs={"RUN": tiny_run(z_dim=3)})
    assert results.attempted >= 6
    assert not results.failed


@pytest.mark.parametrize("norm", ["spade", "clade_icpe", "mixed"])
def test_images_are_those_of_the_network(norm, tiny_run):
    run = tiny_run(norm=norm, edges=True)
    labels, things = maps(), torch.randint(3, (2, 32, 32))
    generator = runs.Run(run).generator
    offsets = torch.stack([torch.from_numpy(icpe_offsets(one.numpy())) for one in labels])
    semantics = Semantics(labels, 5, instance_edges(things), offsets)
    with torch.no_grad():
        wanted = generator(generator.prepare(semantics))
    images = Synthesizer.from_run(run)(labels, things)
    assert (images.dtype, images.requires_grad, tuple(images.shape)) == (torch.float32, False, (2, 3, 32, 32))
    torch.testing.assert_close(images, wanted, atol=1e-5, rtol=0)


def test_numpy_and_torch_give_the_same(tiny_run):
    synthesizer = Synthesizer.from_run(tiny_run(edges=True, unknown=4))
    labels = maps()
    wanted = synthesizer(labels, labels)
    for dtype in (np.uint8, np.int32, np.int64, ">u2"):
        array = labels.numpy().astype(dtype)
        assert torch.equal(synthesizer(array, array), wanted)
    assert torch.equal(synthesizer(labels.to(torch.uint8), labels.int()), wanted)
    void = torch.where(labels == 4, 255, labels)
    assert torch.equal(synthesizer(void, labels), wanted)


def test_facts_of_the_run(tiny_run):
    synthesizer = Synthesizer.from_run(tiny_run(size=(32, 64)))
    assert synthesizer.class_names == ("sky", "cloud", "sun", "grass", "car")
    assert synthesizer.colours[2] == (80, 0, 255)
    assert (synthesizer.size, synthesizer.z_dim, synthesizer.reads_instances) == ((32, 64), 0, False)
    assert synthesizer(maps(1, (64, 32))).shape == (1, 3, 64, 32)  # any multiple of the stride


def test_styles_are_reproducible(tiny_run, tmp_path):
    synthesizer = Synthesizer.from_run(tiny_run(z_dim=3))
    labels = maps(2)
    a = synthesizer(labels, seed=1)
    assert torch.equal(a, synthesizer(labels, seed=1))
    torch.testing.assert_close(a[:1], synthesizer(labels[:1], seed=1), atol=1e-5, rtol=0)
    assert not torch.allclose(a, synthesizer(labels, seed=2), atol=1e-3)
    assert not torch.allclose(synthesizer(labels), synthesizer(labels), atol=1e-3)
    z = torch.randn(2, 3)
    assert torch.equal(synthesizer(labels, z=z), synthesizer(labels, z=z.numpy()))
    assert torch.equal(synthesizer(labels, z=z[0]), synthesizer(labels, z=z[:1].expand(2, -1)))

    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "style.png")
    styled = synthesizer(labels, style=tmp_path / "style.png")
    assert torch.equal(styled, synthesizer(labels, style=Image.fromarray(pixels)))
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
    torch.testing.assert_close(styled, synthesizer(labels, style=tensor), atol=1e-4, rtol=0)
    two = synthesizer(labels, style=[tmp_path / "style.png", Image.fromarray(255 - pixels)])
    torch.testing.assert_close(two[0], styled[0], atol=1e-5, rtol=0)
    assert not torch.allclose(two[1], styled[1], atol=1e-3)


@pytest.mark.parametrize(("run", "arguments", "error", "message"), [
    ({}, {"labels": maps()[0]}, ValueError, r"must be \(N,H,W\), got \(32, 32\); for one map give labels\[None\]"),
    ({}, {"labels": maps().float()}, ValueError, r"labels must be integers, got torch\.float32"),
    ({}, {"labels": maps() + (maps() == 4) * 3}, ValueError,
     r"label 7 at row \d+, column \d+ of label map 0 is out of range.*allowed are 0 \(sky\) to 4 \(car\)"),
    ({}, {"labels": maps() - 1}, ValueError, r"label -1"),
    ({"unknown": 4}, {"labels": maps() + 99}, ValueError, r"and 255 for the unknown class 4"),
    ({}, {"labels": maps(1, (32, 40))}, ValueError, r"size \[32,40\] is no multiple of 32"),
    ({"z_dim": 3}, {"labels": maps(1, (64, 64))}, ValueError, r"makes 32x32 images only"),
    ({"edges": True}, {"labels": maps()}, ValueError, r"give instances=\(N,H,W\) ids, or instances=labels"),
    ({"edges": True}, {"labels": maps(), "instances": maps(1)}, ValueError, r"instances must have the shape"),
    ({}, {"labels": maps(), "style": "a.png"}, StyleError, r"no style vector"),
    ({}, {"labels": maps(), "z": torch.zeros(3)}, StyleError, r"no style vector"),
    ({"z_dim": 3, "encoder": False}, {"labels": maps(), "style": "a.png"}, StyleError, r"no style encoder"),
    ({"z_dim": 3}, {"labels": maps(), "style": "a.png", "z": torch.zeros(3)}, StyleError, "exclude each other"),
    ({"z_dim": 3}, {"labels": maps(), "z": torch.zeros(4)}, StyleError, r"z must be \(N,3\), got \(1, 4\)"),
    ({"z_dim": 3}, {"labels": maps(), "z": torch.zeros(3, 3)}, StyleError, r"3 styles for 2 label maps"),
    ({"z_dim": 3}, {"labels": maps(), "style": torch.zeros(3, 8, 8)}, StyleError, r"style must be \(N,3,h,w\)"),
    ({"z_dim": 3}, {"labels": maps(), "style": torch.full((1, 3, 8, 8), 9.0)}, StyleError, r"in \[-1,1\].*127\.5"),
    ({"z_dim": 3}, {"labels": maps(), "style": "nowhere.png"}, ValueError, r"nowhere\.png"),
])
def test_mistakes_are_explained(run, arguments, error, message, tiny_run):
    with pytest.raises(error, match=message):
        Synthesizer.from_run(tiny_run(**run))(**arguments)


def test_a_run_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="no such directory"):
        Synthesizer.from_run(tmp_path / "nowhere")


SCRIPT = """
import sys, semsynth
assert "torch" not in sys.modules, "import semsynth must stay fast"
from semsynth import Synthesizer
import numpy as np
images = Synthesizer.from_run(sys.argv[1])(np.zeros((1, 32, 32), np.uint8), seed=0)
print(semsynth.__file__, tuple(images.shape))
"""


@pytest.mark.parametrize("kind", ["copy", "wheel"])
def test_the_installed_package_alone_is_enough(kind, tiny_run, tmp_path):
    """Neither conf/ nor the repository: the package's files in a foreign place and a foreign working directory."""
    site = tmp_path / "site"
    if kind == "copy":
        shutil.copytree(ROOT / "src" / "semsynth", site / "semsynth", ignore=shutil.ignore_patterns("__pycache__"))
    else:
        build = [sys.executable, "-m", "uv", "build", "--offline", "--wheel", "--out-dir", str(tmp_path), str(ROOT)]
        built = subprocess.run(build, capture_output=True, text=True)
        if built.returncode:
            pytest.skip(f"no wheel can be built here without a network: {built.stderr.strip()[-200:]}")
        (wheel,) = tmp_path.glob("*.whl")
        zipfile.ZipFile(wheel).extractall(site)
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tiny_run(z_dim=3, norm="clade_icpe"))], cwd=tmp_path,
                          env=environment, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    assert done.stdout.split(" ", 1) == [str(site / "semsynth" / "__init__.py"), "(1, 3, 32, 32)\n"]


def test_drawn_styles_of_instances(tiny_run):
    """A style that is drawn for label maps has a code for each of their instances, and is theirs."""
    synthesizer = Synthesizer.from_run(tiny_run(norm="inade"))
    labels = torch.zeros(1, 32, 32, dtype=torch.int64)
    things = labels.clone()
    labels[:, 16:], things[:, 16:], things[:, 16:, 16:] = 4, 1, 2  # sky, and two cars
    style = synthesizer.drawn(3, labels, things)
    assert synthesizer.styles_instances
    assert style.instances.shape[1] == 3
    assert synthesizer.drawn(3).classes.shape[1] == 5
    torch.testing.assert_close(synthesizer(labels, things, style=style), synthesizer(labels, things, seed=3))
    other = synthesizer(labels, things, style=style.with_instance(2, synthesizer.drawn(4, labels, things)))
    apart = (other - synthesizer(labels, things, style=style)).abs().mean((0, 1))
    assert apart[16:, 16:].mean() > 2 * apart[16:, :16].mean()
    assert not Synthesizer.from_run(tiny_run(z_dim=3, edges=True)).styles_instances
