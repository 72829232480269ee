"""The published segmenters compute what their papers and torchvision's parts say."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close
from torchvision.models import resnet50
from torchvision.models.segmentation import deeplabv3_resnet50

from semsynth.segmenters.celebamask_unet import CelebAMaskUNet
from semsynth.segmenters.deeplab_v2 import DeepLabV2
from semsynth.segmenters.deeplab_v3 import DeepLabV3
from semsynth.segmenters.drn import DRN
from semsynth.segmenters.ppm import PPMNet
from semsynth.segmenters.resnet import DeepStemResNet
from semsynth.segmenters.upernet import UPerHead, UPerNet

# network, divisor of the logits, divisor and channels of the features
NETWORKS = {
    "upernet": (lambda: UPerNet(5, depth=18, channels=16), 4, 32, 512),
    "ppm": (lambda: PPMNet(5), 8, 8, 512),
    "drn": (lambda: DRN(5, blocks=(1, 1, 1, 1)), 1, 8, 512),
    "deeplab_v3": (lambda: DeepLabV3(5, depth=50), 1, 8, 2048),
    "celebamask_unet": (lambda: CelebAMaskUNet(5), 1, 16, 256),
}


@pytest.mark.parametrize("name", [*NETWORKS, "deeplab_v2"])
def test_shapes_and_a_training_step_at_64(name):
    torch.manual_seed(0)
    if name == "deeplab_v2":  # its pooling rounds up
        network, logits_size, features_shape = DeepLabV2(5, blocks=(1, 1, 1, 1)), (9, 13), (2048, 9, 13)
    else:
        build, divisor, features_divisor, channels = NETWORKS[name]
        network, logits_size = build(), (64 // divisor, 96 // divisor)
        features_shape = (channels, 64 // features_divisor, 96 // features_divisor)
    x = torch.randn(2, 3, 64, 96)
    supervised = getattr(network, "supervised", None)
    answers = (network(x),) if supervised is None else supervised(x)
    assert {tuple(a.shape) for a in answers} == {(2, 5, *logits_size)}
    sum(F.cross_entropy(a, torch.zeros(2, *logits_size, dtype=torch.long)) for a in answers).backward()
    without = {key for key, p in network.named_parameters() if p.grad is None}
    assert without == ({"up.weight"} if name == "drn" else set())
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)
    network.eval()
    with torch.no_grad():
        assert network(x[:1]).shape == (1, 5, *logits_size)
        assert network.features(x[:1]).shape == (1, *features_shape)


@pytest.mark.parametrize(("dilated", "strides"), [(False, (4, 8, 16, 32)), (True, (4, 8, 8, 8))])
def test_strides_and_channels_of_the_deep_stem_resnet(dilated, strides):
    with torch.device("meta"):
        network = DeepStemResNet(101, dilated=dilated)
        maps = network(torch.zeros(2, 3, 96, 64))
    assert [tuple(m.shape[1:]) for m in maps] == [(c, 96 // s, 64 // s)
                                                  for c, s in zip((256, 512, 1024, 2048), strides, strict=True)]
    assert network.channels == (256, 512, 1024, 2048)


def test_dilated_stages_are_torchvisions():
    torch.manual_seed(0)
    ours, theirs = (n.eval() for n in (DeepStemResNet(50, dilated=True),
                                       resnet50(weights=None, replace_stride_with_dilation=[False, True, True])))
    x = torch.randn(1, 256, 10, 12)
    for name in ("layer2", "layer3", "layer4"):
        stage, reference = getattr(ours, name), getattr(theirs, name)
        stage.load_state_dict(reference.state_dict())
        with torch.no_grad():
            result = stage(x)
            assert_close(result, reference(x))
        x = result


def test_dilations_of_basic_blocks():
    layers = DeepStemResNet(18, dilated=True)
    found = {name: (m.stride[0], m.dilation[0]) for name, m in layers.named_modules()
             if isinstance(m, nn.Conv2d) and name.startswith(("layer3", "layer4"))}
    assert found == {
        "layer3.0.conv1": (1, 1), "layer3.0.conv2": (1, 2), "layer3.0.downsample.0": (1, 1),
        "layer3.1.conv1": (1, 2), "layer3.1.conv2": (1, 2),
        "layer4.0.conv1": (1, 2), "layer4.0.conv2": (1, 4), "layer4.0.downsample.0": (1, 1),
        "layer4.1.conv1": (1, 4), "layer4.1.conv2": (1, 4),
    }


def test_an_unknown_depth_is_named():
    with pytest.raises(ValueError, match=r"\[18, 50, 101\], got 34"):
        DeepStemResNet(34)
    with pytest.raises(ValueError, match=r"\[50, 101\], got 18"):
        DeepLabV3(depth=18)


def inputs_of(module, run):
    """What a module is given while `run` runs."""
    seen = []
    handle = module.register_forward_pre_hook(lambda _, args: seen.append(args[0].detach()))
    with torch.no_grad():
        run()
    handle.remove()
    return seen


def test_the_upernet_head_joins_its_maps_in_order():
    torch.manual_seed(0)
    head = UPerHead((4, 6, 8, 10), 3, channels=5, pooled=2).eval()
    maps = [torch.randn(1, c, 32 // 2**i, 32 // 2**i) for i, c in enumerate((4, 6, 8, 10))]
    (pooled,) = inputs_of(head.ppm_last_conv, lambda: head(maps))
    assert_close(pooled[:, :10], maps[3])
    with torch.no_grad():
        for i, cells in enumerate((1, 2, 3, 6)):  # averages are resized, then convolved
            average = F.interpolate(F.adaptive_avg_pool2d(maps[3], cells), (4, 4), mode="bilinear")
            assert_close(pooled[:, 10 + 2 * i:12 + 2 * i], head.ppm_conv[i](average))
        top = head.ppm_last_conv(pooled)
        levels = [None, None, None, top]
        for i in (2, 1, 0):
            lateral = head.fpn_in[i](maps[i])
            top = lateral + F.interpolate(top, lateral.shape[-2:], mode="bilinear")
            levels[i] = head.fpn_out[i](top)
        joined = torch.cat([F.interpolate(level, (32, 32), mode="bilinear") for level in levels], 1)
        assert_close(head(maps), head.conv_last(joined))


def test_the_pyramid_pooling_head_joins_its_maps_in_order():
    torch.manual_seed(0)
    network = PPMNet(3).eval()
    maps = [None, None, torch.randn(1, 256, 7, 5), torch.randn(1, 512, 7, 5)]
    (joined,) = inputs_of(network.decoder.conv_last, lambda: network.decoder(maps))
    assert_close(joined[:, :512], maps[3])
    with torch.no_grad():
        for i in range(4):  # averages are convolved, then resized
            branch = F.interpolate(network.decoder.ppm[i](maps[3]), (7, 5), mode="bilinear")
            assert_close(joined[:, 512 * (i + 1):512 * (i + 2)], branch)


def test_deeplab_v2_has_caffes_strides_and_its_dilations():
    with torch.device("meta"):
        network = DeepLabV2()
    convolutions = {k: m for k, m in network.named_modules() if isinstance(m, nn.Conv2d)}
    assert [k for k, m in convolutions.items() if m.stride == (2, 2)] == ["conv1", "layer2.0.conv1",
                                                                         "layer2.0.downsample.0"]
    for layer, rate in ((1, 1), (2, 1), (3, 2), (4, 4)):
        rates = {m.dilation for k, m in convolutions.items() if k.startswith(f"layer{layer}") and ".conv2" in k}
        assert rates == {(rate, rate)}
    assert [m.dilation[0] for m in network.aspp] == [m.padding[0] for m in network.aspp] == [6, 12, 18, 24]
    assert network.maxpool.ceil_mode


def test_deeplab_v2_sums_its_four_classifiers():
    torch.manual_seed(0)
    network = DeepLabV2(3, blocks=(1, 1, 1, 1)).eval()
    with torch.no_grad():
        x = torch.randn(1, 3, 40, 40)
        maps = network.features(x)
        expected = sum(F.conv2d(maps, m.weight, m.bias, padding=r, dilation=r)
                       for m, r in zip(network.aspp, (6, 12, 18, 24), strict=True))
        assert_close(network(x), expected)


def test_drn_upsamples_bilinearly_and_keeps_that_fixed():
    network = DRN(3, blocks=(1, 1, 1, 1))
    x = torch.randn(2, 3, 6, 9)
    inside = (..., slice(8, -8), slice(8, -8))  # outside, the transposed convolution meets zeros
    assert_close(network.up(x)[inside], F.interpolate(x, scale_factor=8, mode="bilinear")[inside])
    assert not network.up.weight.requires_grad
    # the published kernel, from the caffe formula with f = 8, c = 15/16
    row = torch.tensor([1 - abs(i / 8 - 15 / 16) for i in range(16)])
    assert_close(network.up.weight, torch.outer(row, row).expand(3, 1, 16, 16))


def test_drn_strides_and_dilations():
    with torch.device("meta"):
        network = DRN()
    strides = [max(m.stride[0] for m in stage.modules() if isinstance(m, nn.Conv2d)) for stage in network.base]
    dilations = [{m.dilation[0] for m in stage.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)}
                 for stage in network.base]
    assert strides == [1, 1, 2, 2, 2, 1, 1, 1, 1]
    assert dilations == [set(), {1}, {1}, {1}, {1}, {2}, {4}, {2}, {1}]


def test_deeplab_v3_is_torchvisions():
    torch.manual_seed(0)
    theirs = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=5, aux_loss=True).eval()
    ours = DeepLabV3(5, depth=50).eval()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(1, 3, 64, 48)
    with torch.no_grad():
        expected = theirs(x)
        for mine, reference in zip(ours.supervised(x), (expected["out"], expected["aux"]), strict=True):
            assert_close(mine, reference)
        assert_close(ours(x), expected["out"])


def test_deeplab_v3_trains_without_its_auxiliary_classifier():
    with torch.device("meta"):
        network = DeepLabV3(5, depth=50, auxiliary=False)
        assert len(network.supervised(torch.zeros(2, 3, 64, 64))) == 1


def test_the_celebamask_unet_joins_skip_connections_first():
    torch.manual_seed(0)
    network = CelebAMaskUNet().eval()
    x = torch.randn(1, 3, 32, 48)
    (joined,) = inputs_of(network.up_concat1.conv, lambda: network(x))
    with torch.no_grad():
        assert_close(joined[:, :16], network.conv1(x))


def test_the_celebamask_unet_names_the_sides_it_needs():
    with pytest.raises(ValueError, match=r"multiples of 16, got 40x48"):
        CelebAMaskUNet()(torch.zeros(1, 3, 40, 48))
