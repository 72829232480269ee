import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.discriminators.oasis import OASISDiscriminator
from semsynth.semantics import Semantics

COUNTS = {151: 22_258_904, 183: 22_260_984, 35: 22_251_364}  # ADE20K, COCO-Stuff, Cityscapes


def semantics(classes, size=64):
    return Semantics(torch.zeros(1, size, size).long(), classes)


@pytest.mark.parametrize("classes", COUNTS)
def test_published_parameter_counts(classes):
    with torch.device("meta"):
        network = OASISDiscriminator(classes)
    assert sum(p.numel() for p in network.parameters()) == COUNTS[classes]
    assert len(network.state_dict()) == 130


def by_hand(state, x, blocks=6):
    """The description; shortcuts convolve before pooling but in the first block, and after upsampling."""
    def conv(name, x, active=True):
        weight = state[f"{name}.parametrizations.weight.original"]
        u, v = (state[f"{name}.parametrizations.weight.0.{w}"] for w in ("_u", "_v"))
        weight = weight / torch.dot(u, weight.flatten(1) @ v)
        x = F.leaky_relu(x, 0.2) if active else x
        return F.conv2d(x, weight, state[f"{name}.bias"], padding=weight.shape[2] // 2)

    def shortcut(name, x):
        return conv(name, x, active=False) if f"{name}.bias" in state else x

    skips = []
    for k in range(blocks):
        main = F.avg_pool2d(conv(f"down.{k}.conv_2", conv(f"down.{k}.conv_1", x, active=k > 0)), 2)
        x = main + (shortcut(f"down.{k}.conv_s", F.avg_pool2d(x, 2)) if k == 0
                    else F.avg_pool2d(shortcut(f"down.{k}.conv_s", x), 2))
        skips.append(x)
    for k in range(blocks):
        x = skips[-1] if k == 0 else torch.cat([skips[-1 - k], x], 1)
        up = F.interpolate(F.leaky_relu(x, 0.2), scale_factor=2)
        main = conv(f"up.{k}.conv_2", conv(f"up.{k}.conv_1", up, active=False))
        x = main + shortcut(f"up.{k}.conv_s", F.interpolate(x, scale_factor=2))
    return F.conv2d(x, state["last.weight"], state["last.bias"])


def test_equals_the_description():
    network = OASISDiscriminator(3, ndf=4, init_gain=1.0).double().eval()
    images = torch.rand(2, 3, 64, 128).double()
    (*features, logits), = network(semantics(3), images)
    assert_close(logits, by_hand(network.state_dict(), images))
    assert logits.shape == (2, 4, 64, 128)
    assert [m.shape[1] for m in features] == [32, 16, 16, 8, 8, 4]


def test_a_size_that_cannot_be_halved_is_refused():
    with pytest.raises(ValueError, match="multiples of 64"):
        OASISDiscriminator(3, ndf=4)(semantics(3, 32), torch.rand(1, 3, 32, 32))
    OASISDiscriminator(3, ndf=4, num_blocks=5)(semantics(3, 32), torch.rand(1, 3, 32, 32))
    with pytest.raises(ValueError, match="num_blocks"):
        OASISDiscriminator(3, num_blocks=7)
