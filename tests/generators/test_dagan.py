from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.complexity.formulation import as_published
from semsynth.generators.dagan import DAGANGenerator, DualAttention
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE
from semsynth.norms.spade import SPADE
from semsynth.semantics import Semantics

K = 4


def small(norm=partial(SPADE, hidden=6), size=(64, 64), **kwargs):
    network = DAGANGenerator(norm, K, size=size, ngf=4, init_gain=1.0, **kwargs)
    for name, value in network.named_parameters():
        if name.endswith(".beta"):  # CLADE's, which start at zero
            torch.nn.init.normal_(value)
    maps = network.prepare(label_maps(size))
    with torch.no_grad():
        network(maps)  # batch norms have seen something
    return network.eval()


def label_maps(size=(64, 64)):
    return Semantics(torch.randint(0, K, (2, size[0] // 8, size[1] // 8)).repeat_interleave(8, 1)
                     .repeat_interleave(8, 2), K)


@pytest.mark.parametrize(("classes", "edges", "size", "upsamplings", "parameters"), [
    (151, False, (256, 256), None, 96_578_709), (183, True, (256, 256), None, 97_567_125),
    (35, True, (256, 512), None, 93_134_229), (19, False, (512, 512), 5, 92_625_045),
    (13, False, (512, 512), 5, 92_445_333)])
def test_published_counts(classes, edges, size, upsamplings, parameters):
    """ADE20K, COCO-Stuff, Cityscapes, CelebAMask-HQ at 512x512, facades."""
    with torch.device("meta"):
        network = DAGANGenerator(partial(SPADE, edges=edges), classes, size=size, edges=edges, upsamplings=upsamplings)
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert len(network.state_dict()) == 241


def test_attention_by_its_formula():
    """With loops over pictures and channels."""
    attention = DualAttention(6, 3).double()
    x, before = torch.randn(2, 3, 8, 8).double(), torch.randn(2, 6, 8, 8).double()
    t = F.conv2d(before, attention.before.weight, attention.before.bias, padding=1)
    expected = torch.empty_like(x)
    for n in range(2):
        means = torch.cat([t[n].mean((1, 2)), x[n].mean((1, 2))])
        hidden = (attention.squeeze.weight[:, :, 0, 0] @ means + attention.squeeze.bias).relu()
        channels = (attention.excite.weight[:, :, 0, 0] @ hidden + attention.excite.bias).sigmoid()
        across = torch.stack([x[n].mean(0), x[n].max(0).values])[None]
        places = F.conv2d(across, attention.spatial.weight, padding=1)[0, 0].sigmoid()
        for c in range(3):
            expected[n, c] = channels[c] * x[n, c] + t[n, c] + x[n, c] * places
    assert_close(attention(x, before), expected)
    assert attention.spatial.bias is None


def test_attention_sees_the_upsampled_input_of_the_last_block():
    network, seen = small(), []
    network.attention.register_forward_pre_hook(lambda _, inputs: seen.append([tuple(x.shape) for x in inputs]))
    network(network.prepare(label_maps()))
    assert seen == [[(2, 4, 64, 64), (2, 8, 64, 64)]]


@pytest.mark.parametrize("norm", [partial(SPADE, hidden=6), CLADE])
@pytest.mark.parametrize("kwargs", [{}, {"z_dim": 8}, {"upsamplings": 7, "size": (128, 128)}])
def test_folded_and_published_formulations_draw_the_same(norm, kwargs):
    network = small(norm, **kwargs)
    folded, published = network.optimize_for_inference(), as_published(network).eval()
    maps, style = network.prepare(label_maps(network.size)), network.draw_style(2)
    with torch.no_grad():
        expected = network(maps, style)
        assert expected.std() > 0.05
        assert_close(folded(maps, style), expected, rtol=1e-4, atol=1e-5)
        assert_close(published(maps, style), expected, rtol=1e-4, atol=1e-5)


def test_a_folded_copy_knows_spade_s_tables():
    network = small().optimize_for_inference()
    maps = network.prepare(label_maps())
    network(maps)
    assert all(folded.rows for folded in network._folded.values())


def test_spade_has_no_attention():
    plain = SPADEGenerator(SPADE, K, size=(32, 32), ngf=2)
    assert plain.attention is None
    assert not [key for key in plain.state_dict() if "attention" in key]


def test_gradients_reach_everything():
    network = small().train()
    network(network.prepare(label_maps())).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.attention.parameters())
