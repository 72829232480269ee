from functools import partial

import pytest
import torch
from torch.testing import assert_close

from semsynth.generators.spade import SPADEGenerator
from semsynth.layers.init import ZeroConv2d
from semsynth.norms.clade import CLADE, CLADE_DISTF, CLADE_ICPE
from semsynth.norms.schedule import Mixed
from semsynth.norms.spade import SPADE
from semsynth.semantics import Semantics

ADE, COCO, CITY = (151, False, (256, 256)), (183, True, (256, 256)), (35, True, (256, 512))


def millions(network):
    return sum(p.numel() for p in network.parameters()) / 1e6


@pytest.fixture
def _no_init(monkeypatch):
    """Counting parameters needs no values."""
    monkeypatch.setattr("semsynth.generators.spade.initialise", lambda *_: None)
    monkeypatch.setattr("semsynth.generators.blocks.spectral_norm", lambda layer: layer)


@pytest.mark.usefixtures("_no_init")
@pytest.mark.parametrize(("norm", "setting", "kwargs", "published"), [
    (SPADE, ADE, {}, 96.49), (SPADE, COCO, {}, 97.48), (SPADE, CITY, {}, 93.05),
    (CLADE, ADE, {}, 71.43), (CLADE, COCO, {}, 72.51), (CLADE, CITY, {}, 67.90),
    (CLADE_ICPE, ADE, {}, 71.43), (CLADE_ICPE, COCO, {}, 72.51), (CLADE_ICPE, CITY, {}, 67.90),
    (SPADE, ADE, {"z_dim": 256}, 111.94), (SPADE, COCO, {"z_dim": 256}, 112.63), (SPADE, CITY, {"z_dim": 256}, 101.14),
    (SPADE, ADE, {"ngf": 8}, 7.51), (SPADE, COCO, {"ngf": 8}, 8.23), (SPADE, CITY, {"ngf": 32}, 30.22),
])
def test_published_parameter_counts(norm, setting, kwargs, published):
    classes, edges, size = setting
    with torch.device("meta"):
        network = SPADEGenerator(partial(norm, edges=edges), classes, size=size, edges=edges, **kwargs)
    assert millions(network) == pytest.approx(published, abs=0.006)


@pytest.mark.parametrize(("size", "start", "blocks"), [
    ((64, 64), (2, 2), 7), ((192, 256), (6, 8), 7), ((256, 256), (8, 8), 7), ((256, 512), (4, 8), 7),
    ((512, 1024), (4, 8), 8), ((32, 32), (1, 1), 7),
])
def test_depth_follows_from_the_size(size, start, blocks):
    network = SPADEGenerator(CLADE, 3, size=size, ngf=2)
    assert network.start_size(*size) == start
    assert len(network.blocks) == blocks
    assert network.readings(*size)[-1] == size


@pytest.mark.parametrize("upsamplings", range(1, 8))
def test_every_number_of_upsamplings(upsamplings):
    network = SPADEGenerator(CLADE, 3, size=(128, 128), ngf=2, upsamplings=upsamplings)
    semantics = network.prepare(Semantics(torch.zeros(2, 128, 128).long(), 3))
    assert network(semantics).shape == (2, 3, 128, 128)


def test_a_network_without_style_makes_other_sizes():
    network = SPADEGenerator(SPADE, 3, size=(64, 64), ngf=2)
    semantics = network.prepare(Semantics(torch.zeros(2, 96, 32).long(), 3))
    assert network(semantics).shape == (2, 3, 96, 32)
    with pytest.raises(ValueError, match="64x64 images only"):
        SPADEGenerator(SPADE, 3, size=(64, 64), ngf=2, z_dim=4).readings(96, 32)


def test_strides_that_do_not_divide_name_the_nearest_size():
    with pytest.raises(ValueError, match=r"size=\[96,64\]"):
        SPADEGenerator(SPADE, 3, size=(100, 70), ngf=2)


@pytest.mark.parametrize("norm", [SPADE, CLADE, CLADE_ICPE, CLADE_DISTF, Mixed(SPADE, CLADE_ICPE, 3)])
@pytest.mark.parametrize(("z_dim", "fc_offsets"), [(0, False), (8, False), (0, True), (8, True)])
def test_forward_and_backward(norm, z_dim, fc_offsets):
    network = SPADEGenerator(norm, 5, size=(32, 64), ngf=2, z_dim=z_dim, fc_offsets=fc_offsets)
    semantics = Semantics(torch.randint(0, 5, (2, 32, 64)), 5, offsets=torch.rand(2, 2, 32, 64))
    out = network(network.prepare(semantics))
    assert out.shape == (2, 3, 32, 64)
    assert out.abs().max() <= 1
    out.square().sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_the_released_code_initialises_the_positional_convolutions():
    network = SPADEGenerator(partial(CLADE_ICPE, zero_start=False), 5, size=(64, 64), ngf=8)
    weights = torch.cat([m.weight.flatten() for name, m in network.named_modules()
                         if "position" in name and isinstance(m, torch.nn.Conv2d)])
    assert len(weights) == 2 * 2 * 18
    assert weights.std().item() == pytest.approx(0.02 * (2 / 3) ** 0.5, rel=0.3)  # Xavier's, of 2 inputs and 1 output


def test_initialisation():
    network = SPADEGenerator(partial(CLADE_ICPE, edges=True), 5, size=(64, 64), ngf=8, edges=True)
    zeros = [m for m in network.modules() if isinstance(m, ZeroConv2d)]
    assert len(zeros) == 2 * 18
    assert all(m.weight.abs().sum() == 0 and m.bias.abs().sum() == 0 for m in zeros)
    norm = network.blocks["head_0"].norm_0
    assert 0 <= norm.gamma.min() < 0.1
    assert 0.9 < norm.gamma.max() < 1
    assert norm.beta.abs().sum() == 0
    assert network.fc.weight.std().item() == pytest.approx(0.02 * (2 / (9 * (6 + 128))) ** 0.5, rel=0.1)
    assert network.fc.bias.abs().sum() == 0


@pytest.mark.parametrize("norm", [SPADE, CLADE])
def test_checkpointing_changes_neither_gradients_nor_state(norm):
    plain = SPADEGenerator(norm, 3, size=(32, 32), ngf=2).double()
    saving = SPADEGenerator(norm, 3, size=(32, 32), ngf=2, checkpointing=True).double()
    saving.load_state_dict(plain.state_dict())
    labels = torch.randint(0, 3, (2, 32, 32))
    weights = torch.randn(2, 3, 32, 32).double()
    for network in (plain, saving):
        semantics = Semantics(labels, 3)
        (network(network.prepare(semantics)) * weights).sum().backward()
    for (name, a), b in zip(plain.named_parameters(), saving.parameters(), strict=True):
        assert_close(a.grad, b.grad, msg=name)
    for (name, a), b in zip(plain.named_buffers(), saving.buffers(), strict=True):
        assert_close(a, b, msg=name)
