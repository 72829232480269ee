import pytest
import torch

from semsynth.segmenters.unet import UNet


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (9, 16)])
def test_any_size_keeps_its_size(size):
    net = UNet(5, (4, 6, 8, 8, 10)).eval()
    x = torch.randn(2, 3, *size)
    assert net(x).shape == (2, 5, *size)
    assert net.features(x).shape == (2, 10, -(-size[0] // 16), -(-size[1] // 16))


def test_padding_leaves_sizes_of_the_stride_alone():
    net = UNet(3, (4, 6), 0.0).eval()
    x = torch.randn(1, 3, 8, 8)
    assert net._padded(x) is x
    padded = net._padded(x[..., :7, :7])
    assert padded.shape[-2:] == (8, 8)
    assert torch.equal(padded[..., 7, :7], x[..., 6, :7])


def test_features_are_what_the_answer_is_made_from():
    net = UNet(3, (4, 6, 8)).eval()
    x = torch.randn(1, 3, 16, 16)
    seen = []
    net.dropout.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    net(x)
    torch.testing.assert_close(seen[0], net.features(x))


def test_the_answer_depends_on_every_level():
    """A gradient reaches every parameter: no level and no skip is left out."""
    net = UNet(3, (4, 6, 8))
    net(torch.randn(4, 3, 16, 16)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_the_default_fits_two_mebibytes_as_float16():
    assert 2 * sum(p.numel() for p in UNet(12).parameters()) < 2 * 2**20


@pytest.mark.parametrize(("arguments", "message"), [
    ({"num_classes": 0}, "num_classes must be >= 1, got 0"),
    ({"num_classes": 2, "widths": [8]}, r"widths must be two or more.*\[8\]"),
    ({"num_classes": 2, "dropout": 1.0}, "dropout must be in"),
])
def test_faults_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        UNet(**arguments)
