"""Forward passes as on CUDA, without one: torch's fake tensors carry a device and no values.

What chooses by device (memory formats, the padded last convolution) takes CUDA's side here. Not covered: backward
passes, which need a driver; values; and what `tests/training/test_meta.py` leaves out.
"""

import copy

import pytest
import torch
from iterations import CLASSES, SIZE, generator, perceptual, semantics
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from semsynth.discriminators.patchgan import MultiscaleDiscriminator
from semsynth.encoders.style import StyleEncoder

NORMS = ["spade", "clade", "clade_icpe", "clade_distf", "mixed", "group"]


def fake(mode, network):
    """A network of fake tensors on CUDA."""
    for module in network.modules():
        for name, value in module._parameters.items():
            if value is not None:
                module._parameters[name] = torch.nn.Parameter(on_cuda(mode, value.detach()), value.requires_grad)
        for name, value in module._buffers.items():
            module._buffers[name] = None if value is None else on_cuda(mode, value)
    return network


class Convolutions(TorchDispatchMode):
    """The numbers of outputs of all convolutions, in order."""

    def __init__(self):
        super().__init__()
        self.outputs = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.convolution.default:
            self.outputs.append(len(args[1]))
        return func(*args, **(kwargs or {}))


def on_cuda(mode, x):
    x = mode.from_tensor(x)
    with mode:
        return x.to("cuda")


def fake_maps(mode, maps):
    return maps.map(lambda x: on_cuda(mode, x))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("norm", NORMS)
def test_generators(norm, training):
    mode = FakeTensorMode()
    network = fake(mode, generator(norm).train(training))
    maps = fake_maps(mode, semantics(network.readings(SIZE, SIZE)))
    with mode, torch.no_grad(), Convolutions() as seen:
        image = network(maps)
    assert image.device.type == "cuda"
    assert image.shape == (2, 3, SIZE, SIZE)
    assert seen.outputs[-1] == 8


@pytest.mark.parametrize("norm", NORMS)
def test_drawing(norm):
    mode = FakeTensorMode()
    network = fake(mode, generator(norm).eval().optimize_for_inference())
    maps = fake_maps(mode, semantics(network.readings(SIZE, SIZE)))
    with mode, Convolutions() as seen:
        image = network(maps)
    assert image.device.type == "cuda"
    assert image.shape == (2, 3, SIZE, SIZE)
    assert seen.outputs[-1] == 8


def test_judges_compute_channels_last():
    mode, seen = FakeTensorMode(), []
    discriminator, encoder = MultiscaleDiscriminator(CLASSES, ndf=4), StyleEncoder((SIZE, SIZE))
    vgg = copy.deepcopy(perceptual())
    for network in (discriminator, encoder, vgg.network):
        fake(mode, network)
    for layer in (discriminator.scales[0].layers[0][0], encoder.layers[0][0], vgg.network[0]):
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    maps = fake_maps(mode, semantics())
    with mode, torch.no_grad():
        images = torch.zeros(4, 3, SIZE, SIZE, device="cuda")
        answers = discriminator(maps, images)[0][-1], encoder(images)[0], vgg.features(images)[-1]
    assert {x.device.type for x in answers} == {"cuda"}
    assert len(seen) == 3
    assert all(x.is_contiguous(memory_format=torch.channels_last) for x in seen)
