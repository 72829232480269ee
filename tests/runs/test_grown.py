"""Networks that grow start from the run of the smaller one, or from a run of their own."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from semsynth.errors import CheckpointError
from semsynth.generators.crn import CRNGenerator
from semsynth.generators.pix2pixhd import Pix2PixHDGenerator
from semsynth.generators.pix2pixhd_local import Pix2PixHDLocalGenerator
from semsynth.runs.transfer import Inputs, transfer_weights

CLASSES = ["sky", "grass", "car"]


def local(classes=3, features=0):
    return Pix2PixHDLocalGenerator(classes, size=(64, 64), ngf=2, blocks=1, local_blocks=1, features=features)


def transferred(network, other, now=CLASSES):
    system = SimpleNamespace(generator=network, discriminator=None, encoder=None)
    parts = {"generator": other.state_dict()}
    saved = SimpleNamespace(path=Path("last.ckpt"), part=parts.get)
    return transfer_weights(system, saved, Inputs(CLASSES, False), Inputs(now, False))


@pytest.mark.parametrize("features", [0, 3])
def test_the_global_part_comes_from_the_global_network(features):
    other = Pix2PixHDGenerator(3, size=(32, 32), ngf=2, blocks=1, features=features)
    network = local(features=features)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    line, = transferred(network, other)
    for name, value in network.state_dict().items():
        expected = other.state_dict()[name] if name.startswith(("trunk.", "clusters.")) else before[name]
        assert torch.equal(value, expected), name
    assert "tensors of new features afresh" in line


def test_a_run_of_its_own_is_taken_as_a_whole():
    other, network = local(), local()
    transferred(network, other)
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in network.state_dict().items())


def test_classes_follow_their_names():
    other, network = Pix2PixHDGenerator(3, size=(32, 32), ngf=2, blocks=1), local(classes=2)
    transferred(network, other, now=["car", "sky"])
    ours, theirs = network.trunk.first.conv.weight, other.trunk.first.conv.weight
    assert torch.equal(ours, theirs[:, [2, 0]])


def test_another_width_is_refused():
    with pytest.raises(CheckpointError, match="another network"):
        transferred(local(), Pix2PixHDGenerator(3, size=(32, 32), ngf=4, blocks=1))


def crn(size, **settings):
    return CRNGenerator(3, size=(size, 2 * size), ngf=2, **settings)


@pytest.mark.parametrize("size", [16, 32])
def test_crn_keeps_its_modules_as_it_doubles(size):
    """Of a smaller one, once or twice as large: what is new is the modules behind, and the last layer."""
    other, network = crn(8), crn(size)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    line, = transferred(network, other)
    for name, value in network.state_dict().items():
        expected = other.state_dict()[name] if name.startswith(("stages.0", "stages.1")) else before[name]
        assert torch.equal(value, expected), name
    assert f"{6 * (size // 16) + 2} tensors of new features afresh" in line  # two convolutions, two norms a module


def test_crn_of_the_same_size_is_taken_as_a_whole_and_a_larger_one_is_refused():
    other, network = crn(16), crn(16)
    transferred(network, other)
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in network.state_dict().items())
    for wrong in (crn(32), local(), CRNGenerator(3, size=(8, 8), ngf=1)):
        with pytest.raises(CheckpointError, match="another network"):
            transferred(network, wrong)
