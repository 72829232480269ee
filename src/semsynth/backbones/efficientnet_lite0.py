"""EfficientNet-Lite0, trained to classify ImageNet; a package of the registry brings the weights."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from semsynth.backbones.package import WAY_OUT, WEIGHTS, weights_file
from semsynth.errors import BackboneError, TensorFileError
from semsynth.weights.tensor_files import read_tensors, sha256_of

NAME = "efficientnet_lite0_imagenet"  # names the scores in its features
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"  # begins as the file's name ends

# blocks, kernel size, stride of the first block, expansion, channels of each stage
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
          (1, 3, 1, 6, 320))
CHANNELS = tuple(stage[-1] for stage in STAGES)
STEM, FEATURES, CLASSES = 32, 1280, 1000
MIN_SIZE = 32  # below it the last stages see nothing but padding


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 (arXiv:1905.11946 without squeeze-and-excitation, with ReLU6), 4.65 M parameters.

    Images go in in [-1,1]; inside they become (x - 127) / 128 of 0..255, as the weights were trained. Convolutions with
    a stride pad as TensorFlow's "SAME" does: the odd row and column stand at the bottom and on the right.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = _ConvNorm(3, STEM, 3, stride=2)
        stages: list[nn.Module] = []
        channels = STEM
        for count, kernel, stride, expansion, width in STAGES:
            blocks = []
            for index in range(count):
                blocks.append(_Block(channels, width, kernel, stride if index == 0 else 1, expansion))
                channels = width
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.head = _ConvNorm(channels, FEATURES, 1)
        self.classifier = nn.Linear(FEATURES, CLASSES)

    def maps(self, images: Tensor, last: int = len(STAGES)) -> list[Tensor]:
        """The maps of the stages 1 to `last`.

        Args:
            images: (N,3,H,W) in [-1,1].
            last: Stage from 1 to 7; what comes after it is not computed.

        Returns:
            Maps (N,c,h,w) with c of `CHANNELS`, at strides 2, 4, 8, 16, 16, 32, 32, sides rounded up.
        """
        x = F.relu6(self.stem(((images + 1) * 127.5 - 127) / 128))
        found = []
        for stage in self.stages[:last]:
            x = stage(x)
            found.append(x)
        return found

    def features(self, images: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1] -> (N,1280): what the classifier sees, averaged over the picture."""
        return F.relu6(self.head(self.maps(images)[-1])).mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1] -> logits (N,1000) of ImageNet's classes."""
        return self.classifier(self.features(images))


class _ConvNorm(nn.Module):
    """Convolution that pads as "SAME", and batch norm (which `folded` merges into it)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        padding = kernel // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride > 1:
            top, left = (max((-(-side // self.stride) - 1) * self.stride + self.kernel - side, 0)
                         for side in x.shape[-2:])
            x = F.pad(x, (left // 2, left - left // 2, top // 2, top - top // 2))
        return self.norm(self.conv(x))


class _Block(nn.Module):
    """Inverted residual: 1x1 convolution to more channels, one of each channel by itself, 1x1 back."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inside = inputs * expansion
        self.expand = _ConvNorm(inputs, inside, 1) if expansion > 1 else None
        self.depthwise = _ConvNorm(inside, inside, kernel, stride, groups=inside)
        self.project = _ConvNorm(inside, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.residual else y


def load_efficientnet_lite0() -> EfficientNetLite0:
    """The network with its weights, frozen, in evaluation mode, its batch norms folded into the convolutions.

    The weights lie on the CPU; under `torch.device("meta")` it is as empty as everything that is built there.

    Raises:
        BackboneError: the weights are not installed, or damaged.
    """
    path, empty = weights_file(), torch.empty(0).is_meta
    if sha256_of(path) != SHA256:
        raise BackboneError(f"{path} is not the file of EfficientNet-Lite0 that it is named after (its SHA-256 is not "
                            f"{SHA256[:8]}...): install it anew, {WAY_OUT}")
    with torch.device("meta"):
        network = EfficientNetLite0()
    if not empty:
        try:
            state = {renamed(key): value for key, value in read_tensors(path).items()}
        except TensorFileError as error:
            raise BackboneError(f"{error}: install it anew, {WAY_OUT}") from None
        network.load_state_dict(state, assign=True)
    return folded(network.eval()).requires_grad_(False)


def folded(network: EfficientNetLite0) -> EfficientNetLite0:
    """Merge batch norms in evaluation mode into the convolutions before them, in place: a third of the layers less."""
    for module in network.modules():
        if isinstance(module, _ConvNorm) and isinstance(module.norm, nn.BatchNorm2d):
            module.conv, module.norm = fuse_conv_bn_eval(module.conv, module.norm), nn.Identity()
    return network


def description() -> dict[str, Any]:
    """What identifies the weights."""
    return {"name": NAME, "weights": Path(WEIGHTS).name, "sha256": SHA256}


FIRST_BLOCKS = [sum(stage[0] for stage in STAGES[:index]) for index in range(len(STAGES))]
LAYERS = {"_expand_conv": "expand.conv", "_depthwise_conv": "depthwise.conv", "_project_conv": "project.conv",
          "_conv_stem": "stem.conv", "_conv_head": "head.conv", "_fc": "classifier"}


def renamed(key: str) -> str:
    """The name here of a tensor in the file."""
    found = re.fullmatch(r"(?:_blocks\.(\d+)\.)?(\w+?)\.(\w+)", key)
    if found is None:
        return key
    block, layer, tensor = found.groups()
    if block is None:
        return f"{({'_bn0': 'stem.norm', '_bn1': 'head.norm'} | LAYERS).get(layer, layer)}.{tensor}"
    norms = {"_bn0": "expand.norm", "_bn1": "depthwise.norm", "_bn2": "project.norm"}
    stage = max(index for index, first in enumerate(FIRST_BLOCKS) if first <= int(block))
    return f"stages.{stage}.{int(block) - FIRST_BLOCKS[stage]}.{(norms | LAYERS).get(layer, layer)}.{tensor}"
