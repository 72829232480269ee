import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from semsynth.generators import predicted_block
from semsynth.generators.cc_fpse import CCFPSEGenerator
from semsynth.generators.predicted_block import PredictedBlock
from semsynth.norms.base import plain_formula
from semsynth.semantics import Semantics
from semsynth.style import Style, cat

K = 4


def small(size=(32, 32), **kwargs):
    settings = {"ngf": 2, "hidden": 6, "pyramid": 4, "init_gain": 1.0} | kwargs
    return CCFPSEGenerator(K, size=size, **settings)


def label_maps(n=2, size=(32, 32), edges=False):
    labels = torch.randint(0, K, (n, size[0] // 8, size[1] // 8)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    return Semantics(labels, K, torch.zeros(n, 1, *size).index_fill(3, torch.tensor([8, 16]), 1) if edges else None)


@pytest.mark.parametrize(("classes", "edges", "size", "parameters", "entries"), [
    (151, False, (256, 256), 140_704_323, 495), (183, True, (256, 256), 141_939_843, 495),
    (35, True, (256, 512), 128_055_555, 519)])
def test_published_counts(classes, edges, size, parameters, entries):
    with torch.device("meta"):
        network = CCFPSEGenerator(classes, size=size, edges=edges, z_dim=256)
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert len(network.state_dict()) == entries
    unread = [p for name, p in network.named_parameters() if ".unread." in name]
    assert sum(p.numel() for p in unread) == 26_112
    assert network.start_size(*size) == ((8, 8) if size == (256, 256) else (4, 8))


@pytest.mark.parametrize("z_dim", [0, 8])
@pytest.mark.parametrize("edges", [False, True])
def test_tables_and_products_change_nothing(edges, z_dim):
    """Against the formula at every pixel: values and all gradients, as in training and without gradients."""
    network = small(z_dim=z_dim, edges=edges, upsamplings=3).double().eval()
    maps, style = label_maps(edges=edges), network.draw_style(2)
    network.prepare(maps)
    found = []
    for plain in (False, True):
        copied = copy.deepcopy(network)
        if plain:
            with plain_formula():
                out = copied(maps, style)
        else:
            out = copied(maps, style)
        (out * torch.linspace(-1, 1, 32)).sum().backward()
        found.append([out, *(p.grad for name, p in copied.named_parameters() if ".unread." not in name)])
    for fast, expected in zip(*found, strict=True):
        assert_close(fast, expected, rtol=1e-8, atol=1e-9)
    with torch.no_grad():
        assert_close(network(maps, style), found[1][0], rtol=1e-8, atol=1e-9)


def test_patches_are_looked_up(monkeypatch):
    calls = []
    monkeypatch.setattr("semsynth.generators.label_convolution._by_patch",
                        lambda rows, bias, patches, view: calls.append(1) or view.labels.new_zeros(
                            len(view), rows.shape[1], *view.size).float())
    network = small(size=(64, 64), upsamplings=3)
    network(network.prepare(label_maps(size=(64, 64))))
    assert len(calls) == 6  # at full size: the pyramid's, and of a block's predictors all five


def test_a_block_by_its_formula():
    """Batch norm, product with predicted kernels, 1x1 convolution, gate, LeakyReLU, twice; SPADE in the shortcut."""
    block = PredictedBlock(3, 2, K, features=5, hidden=6).double().eval()
    view, features, x = label_maps(1), torch.randn(1, 5, 32, 32).double(), torch.randn(1, 3, 32, 32).double()
    condition = torch.cat([view.one_hot(dtype=torch.float64), features], 1)

    def conv(layer, y):
        return nn.functional.conv2d(y, layer.weight, layer.bias, padding=layer.kernel_size[0] // 2)

    def predicted(network):
        return conv(network.output, conv(network.hidden, condition).relu())

    def half(y, norm, kernels, layer, gate):
        y = norm(y)
        windows = nn.functional.unfold(y, 3, padding=1).view(1, y.shape[1], 9, 32, 32)
        y = (windows * predicted(kernels).view(1, -1, 9, 32, 32)).sum(2)
        return nn.functional.leaky_relu(conv(layer, y) * predicted(gate).sigmoid(), 0.2)

    hidden = conv(block.norm_s.shared, condition).relu()
    shortcut = block.norm_s.base(x) * (1 + conv(block.norm_s.gamma, hidden)) + conv(block.norm_s.beta, hidden)
    expected = conv(block.conv_s, shortcut) + half(half(x, block.norm_0, block.kernels_0, block.conv_0, block.gate_0),
                                                   block.norm_1, block.kernels_1, block.conv_1, block.gate_1)
    assert_close(block(x, view, features), expected)


def test_features_of_a_label_map_see_all_of_it():
    """A change in one corner reaches the features of the opposite one; kernels follow."""
    network = small(size=(64, 64)).eval()
    maps, other = label_maps(1, (64, 64)), label_maps(1, (64, 64))
    other.labels.copy_(maps.labels)
    other.labels[:, :8, :8] = (maps.labels[:, :8, :8] + 1) % K
    with torch.no_grad():
        a, b = (network.pyramid(network.prepare(m)) for m in (maps, other))
    assert [m.shape[-1] for m in a] == [2, 4, 8, 16, 32, 64]
    assert (a[-1] - b[-1])[..., -8:, -8:].abs().max() > 0


def test_several_styles_for_one_label_map():
    network = small(z_dim=8).eval()
    maps = network.prepare(label_maps(2))
    styles = [network.draw_style(2) for _ in range(3)]
    predictions = []
    handle = network.blocks["up_3"].gate_0.register_forward_hook(lambda *_: predictions.append(1))
    with torch.no_grad():
        together, apart = network(maps, cat(styles)), torch.cat([network(maps, style) for style in styles])
    handle.remove()
    assert_close(together, apart, rtol=1e-4, atol=1e-5)
    assert len(predictions) == 1 + 3
    with pytest.raises(ValueError, match="3 styles for 2 label maps"):
        network(maps, network.draw_style(3))


def test_without_gradients_never_are_all_kernels_there(monkeypatch):
    largest = []
    kept = predicted_block.F.conv2d

    def watched(*args, **kwargs):
        out = kept(*args, **kwargs)
        largest.append(out.shape[1])
        return out

    network = small(upsamplings=3).eval()
    maps = network.prepare(label_maps())
    monkeypatch.setattr(predicted_block.F, "conv2d", watched)
    with torch.no_grad():
        network(maps)
    assert max(largest) == 32  # as many as the widest features have channels


def test_sizes_and_errors():
    network = small()
    assert network(network.prepare(label_maps(size=(64, 32)))).shape == (2, 3, 64, 32)
    with pytest.raises(ValueError, match="32x32 images only"):
        small(z_dim=4).readings(64, 32)
    with pytest.raises(ValueError, match=r"size=\[96,64\]"):
        small(size=(100, 70))
    with pytest.raises(ValueError, match="upsamplings must be 1..7"):
        small(upsamplings=8)
    styled = small(z_dim=4)
    maps = styled.prepare(label_maps())
    with pytest.raises(ValueError, match="starts from a style vector of 4"):
        styled(maps, Style(vector=torch.zeros(2, 3)))
    with pytest.raises(ValueError, match="size=64 or a larger batch"):
        network.check_batch(1)
    small(size=(64, 64)).check_batch(1)
    assert small(size=(128, 128), upsamplings=7).blocks["up_4"].conv_1.out_channels == 1


def test_checkpointing_changes_neither_gradients_nor_state():
    plain, saving = (small(checkpointing=kind, upsamplings=3).double() for kind in (False, True))
    saving.load_state_dict(plain.state_dict())
    maps, weights = label_maps(), torch.randn(2, 3, 32, 32).double()
    for network in (plain, saving):
        (network(network.prepare(maps)) * weights).sum().backward()
    for (name, a), b in zip(plain.named_parameters(), saving.parameters(), strict=True):
        assert_close(a.grad, b.grad, msg=name)
    for (name, a), b in zip(plain.named_buffers(), saving.named_buffers(), strict=True):
        assert_close(a, b[1], msg=name)


def test_initialisation():
    network = small(init_gain=0.02, ngf=8, hidden=32)
    predictor = network.blocks["head_0"].kernels_0
    assert predictor.output.weight.std().item() == pytest.approx(0.02 * (2 / (9 * (32 + 9 * 128))) ** 0.5, rel=0.05)
    assert predictor.output.bias.abs().sum() == 0
    norm = network.blocks["head_0"].norm_0
    assert norm.weight.mean().item() == pytest.approx(1, abs=0.01)
    assert norm.weight.std().item() == pytest.approx(0.02, rel=0.3)
    normed = {name.partition(".parametrizations")[0] for name in network.state_dict() if name.endswith("_u")}
    assert all(name.endswith("conv_s") or name.startswith("pyramid.") for name in normed)
