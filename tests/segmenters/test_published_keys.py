"""The state dicts have the names and shapes of the published files (docs/segmenter_keys.md says where from).

Layouts are written out here from the authors' code, by hand and without our networks: lists of (name, kind, shape).
"""

import pytest
import torch

from semsynth.segmenters.celebamask_unet import CelebAMaskUNet
from semsynth.segmenters.deeplab_v2 import DeepLabV2
from semsynth.segmenters.deeplab_v3 import DeepLabV3
from semsynth.segmenters.drn import DRN
from semsynth.segmenters.ppm import PPMNet
from semsynth.segmenters.upernet import UPerNet

COUNTS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}


def batch_norm(name, channels):
    return {f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")}


def conv_bn(conv, norm, inputs, outputs, kernel, bias=False):
    found = {f"{conv}.weight": (outputs, inputs, kernel, kernel)} | batch_norm(norm, outputs)
    return found | ({f"{conv}.bias": (outputs,)} if bias else {})


def bottlenecks(prefix, inputs, width, count):
    """Bottlenecks in the names of torchvision, which CSAIL and fyu share."""
    found = {}
    for i in range(count):
        block = f"{prefix}.{i}"
        found |= conv_bn(f"{block}.conv1", f"{block}.bn1", inputs, width, 1)
        found |= conv_bn(f"{block}.conv2", f"{block}.bn2", width, width, 3)
        found |= conv_bn(f"{block}.conv3", f"{block}.bn3", width, 4 * width, 1)
        if i == 0:
            found |= conv_bn(f"{block}.downsample.0", f"{block}.downsample.1", inputs, 4 * width, 1)
        inputs = 4 * width
    return found


def basic_blocks(prefix, inputs, width, count):
    found = {}
    for i in range(count):
        block = f"{prefix}.{i}"
        found |= conv_bn(f"{block}.conv1", f"{block}.bn1", inputs, width, 3)
        found |= conv_bn(f"{block}.conv2", f"{block}.bn2", width, width, 3)
        if i == 0 and inputs != width:
            found |= conv_bn(f"{block}.downsample.0", f"{block}.downsample.1", inputs, width, 1)
        inputs = width
    return found


def csail_encoder(depth):
    found = {}
    for i, (inputs, outputs) in enumerate(((3, 64), (64, 64), (64, 128)), start=1):
        found |= conv_bn(f"conv{i}", f"bn{i}", inputs, outputs, 3)
    stage, expansion, inputs = (basic_blocks, 1, 128) if depth == 18 else (bottlenecks, 4, 128)
    for i, (width, count) in enumerate(zip((64, 128, 256, 512), COUNTS[depth], strict=True), start=1):
        found |= stage(f"layer{i}", inputs, width, count)
        inputs = expansion * width
    return found


def csail_upernet():
    found = {}
    for i in range(4):
        found |= conv_bn(f"ppm_conv.{i}.0", f"ppm_conv.{i}.1", 2048, 512, 1)
    found |= conv_bn("ppm_last_conv.0", "ppm_last_conv.1", 4096, 512, 3)
    for i, channels in enumerate((256, 512, 1024)):
        found |= conv_bn(f"fpn_in.{i}.0", f"fpn_in.{i}.1", channels, 512, 1)
        found |= conv_bn(f"fpn_out.{i}.0.0", f"fpn_out.{i}.0.1", 512, 512, 3)
    found |= conv_bn("conv_last.0.0", "conv_last.0.1", 2048, 512, 3)
    return found | {"conv_last.1.weight": (150, 512, 1, 1), "conv_last.1.bias": (150,)}


def csail_ppm_deepsup():
    found = {}
    for i in range(4):
        found |= conv_bn(f"ppm.{i}.1", f"ppm.{i}.2", 512, 512, 1)
    found |= conv_bn("cbr_deepsup.0", "cbr_deepsup.1", 256, 128, 3)
    found |= conv_bn("conv_last.0", "conv_last.1", 2560, 512, 3)
    found |= {"conv_last.4.weight": (150, 512, 1, 1), "conv_last.4.bias": (150,)}
    return found | {"conv_last_deepsup.weight": (150, 128, 1, 1), "conv_last_deepsup.bias": (150,)}


def kazuto_deeplab_v2():
    found = conv_bn("base.layer1.conv1.conv", "base.layer1.conv1.bn", 3, 64, 7)
    inputs = 64
    for layer, width, count in zip((2, 3, 4, 5), (64, 128, 256, 512), COUNTS[101], strict=True):
        for i in range(1, count + 1):
            block = f"base.layer{layer}.block{i}"
            found |= conv_bn(f"{block}.reduce.conv", f"{block}.reduce.bn", inputs, width, 1)
            found |= conv_bn(f"{block}.conv3x3.conv", f"{block}.conv3x3.bn", width, width, 3)
            found |= conv_bn(f"{block}.increase.conv", f"{block}.increase.bn", width, 4 * width, 1)
            if i == 1:
                found |= conv_bn(f"{block}.shortcut.conv", f"{block}.shortcut.bn", inputs, 4 * width, 1)
            inputs = 4 * width
    for i in range(4):
        found |= {f"base.aspp.c{i}.weight": (182, 2048, 3, 3), f"base.aspp.c{i}.bias": (182,)}
    return found


def fyu_drn_d_105():
    found = conv_bn("base.0.0", "base.0.1", 3, 16, 7)
    found |= conv_bn("base.1.0", "base.1.1", 16, 16, 3)
    found |= conv_bn("base.2.0", "base.2.1", 16, 32, 3)
    inputs = 32
    for i, (width, count) in enumerate(zip((64, 128, 256, 512), COUNTS[101], strict=True), start=3):
        found |= bottlenecks(f"base.{i}", inputs, width, count)
        inputs = 4 * width
    found |= conv_bn("base.7.0", "base.7.1", 2048, 512, 3)
    found |= conv_bn("base.8.0", "base.8.1", 512, 512, 3)
    return found | {"seg.weight": (19, 512, 1, 1), "seg.bias": (19,), "up.weight": (19, 1, 16, 16)}


def celebamask_unet():
    def double(name, inputs, outputs):
        return (conv_bn(f"{name}.conv1.0", f"{name}.conv1.1", inputs, outputs, 3, bias=True)
                | conv_bn(f"{name}.conv2.0", f"{name}.conv2.1", outputs, outputs, 3, bias=True))

    found = double("conv1", 3, 16) | double("conv2", 16, 32) | double("conv3", 32, 64) | double("conv4", 64, 128)
    found |= double("center", 128, 256)
    for level, outputs in ((4, 128), (3, 64), (2, 32), (1, 16)):
        name = f"up_concat{level}"
        found |= double(f"{name}.conv", 2 * outputs, outputs)
        found |= {f"{name}.up.weight": (2 * outputs, outputs, 2, 2), f"{name}.up.bias": (outputs,)}
    return found | {"final.weight": (19, 16, 1, 1), "final.bias": (19,)}


def halves(encoder, decoder):
    return {f"encoder.{k}": v for k, v in encoder.items()} | {f"decoder.{k}": v for k, v in decoder.items()}


# network, its published layout, tensors in it, trained parameters (fixed upsampling included)
TABLE = {
    "upernet101": (lambda: UPerNet(), lambda: halves(csail_encoder(101), csail_upernet()), 592, 83_214_422),
    "upernet50": (lambda: UPerNet(depth=50), lambda: halves(csail_encoder(50), csail_upernet()), 337, 64_222_294),
    "upernet18": (lambda: PPMNet(), lambda: halves(csail_encoder(18), csail_ppm_deepsup()), 149, 24_566_636),
    "deeplab_v2": (lambda: DeepLabV2(), kazuto_deeplab_v2, 528, 55_919_384),
    "drn_d_105": (lambda: DRN(), fyu_drn_d_105, 543, 54_302_915),
    "celebamask_unet": (lambda: CelebAMaskUNet(), celebamask_unet, 118, 1_944_355),
}


def layout(network):
    return {k: tuple(v.shape) for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}


@pytest.mark.parametrize("name", TABLE)
def test_names_and_shapes(name):
    build, published, tensors, parameters = TABLE[name]
    with torch.device("meta"):
        network = build()
    rename = getattr(network, "rename", str)
    expected = {rename(k): v for k, v in published().items()}
    assert layout(network) == expected
    assert len(expected) == len(published()) == tensors
    assert sum(p.numel() for p in network.parameters()) == parameters


@pytest.mark.parametrize("name", TABLE)
def test_every_counter_belongs_to_a_batch_norm(name):
    """What a published file may lack is the counters alone."""
    with torch.device("meta"):
        keys = set(TABLE[name][0]().state_dict())
    counters = {k for k in keys if k.endswith("num_batches_tracked")}
    assert {k.replace("num_batches_tracked", "running_var") for k in counters} == {
        k for k in keys if k.endswith("running_var")}


@pytest.mark.parametrize(("published", "ours"), [
    ("base.layer1.conv1.conv.weight", "conv1.weight"),
    ("base.layer1.conv1.bn.running_var", "bn1.running_var"),
    ("base.layer2.block1.shortcut.conv.weight", "layer1.0.downsample.0.weight"),
    ("base.layer2.block1.shortcut.bn.bias", "layer1.0.downsample.1.bias"),
    ("base.layer4.block23.reduce.conv.weight", "layer3.22.conv1.weight"),
    ("base.layer5.block3.conv3x3.bn.weight", "layer4.2.bn2.weight"),
    ("base.layer5.block3.increase.conv.weight", "layer4.2.conv3.weight"),
    ("base.aspp.c3.bias", "aspp.3.bias"),
    ("scale.layer2.block1.proj.conv.weight", "layer1.0.downsample.0.weight"),
    ("scale.aspp.stages.c0.weight", "aspp.0.weight"),
])
def test_names_of_deeplab_v2(published, ours):
    assert DeepLabV2.rename(published) == ours


@pytest.mark.parametrize(("depth", "tensors", "parameters"), [(50, 309, 42_004_074), (101, 564, 60_996_202)])
def test_deeplab_v3_has_the_published_number_of_parameters(depth, tensors, parameters):
    from torchvision.models.segmentation import DeepLabV3_ResNet50_Weights, DeepLabV3_ResNet101_Weights

    with torch.device("meta"):
        network = DeepLabV3(depth=depth)
    weights = {50: DeepLabV3_ResNet50_Weights, 101: DeepLabV3_ResNet101_Weights}[depth].COCO_WITH_VOC_LABELS_V1
    found = layout(network)
    assert sum(p.numel() for p in network.parameters()) == parameters == weights.meta["num_params"]
    assert len(found) == tensors
    assert found["backbone.conv1.weight"] == (64, 3, 7, 7)
    assert found["backbone.layer4.0.downsample.0.weight"] == (2048, 1024, 1, 1)
    assert found["classifier.0.convs.1.0.weight"] == (256, 2048, 3, 3)
    assert found["classifier.4.weight"] == (21, 256, 1, 1)
    assert found["aux_classifier.4.weight"] == (21, 256, 1, 1)
