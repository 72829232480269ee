"""Walking a generator: what each of its layers holds and computes, by the layers' definition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from semsynth.complexity.formulas import conv_macs, elementwise_operations, linear_macs
from semsynth.errors import CountError
from semsynth.interfaces import Generator, Network
from semsynth.layers.class_linear import ClassLinear
from semsynth.layers.unfolded import UnfoldedProduct
from semsynth.norms.base import Norm, plain_formula
from semsynth.semantics import Semantics
from semsynth.style import Style

Kind = Literal["norm", "conv", "linear", "unfolded", "other"]
Linear = nn.Linear | ClassLinear
Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d


@dataclass(frozen=True)
class Layer:
    """One layer for one image.

    Attributes:
        name: dotted name of the module.
        kind: ``norm`` is a whole modulation with everything in it; ``unfolded`` are products of features with kernels
            that are no weights; ``other`` holds parameters and no products.
        size: (H, W) of its output; (1, 1) of a linear layer.
        channels_in: channels of its input.
        channels_out: channels of its output.
        kernel: side of the kernel, 0 without one.
        parameters: all learned numbers.
        weights: those that are no biases, as the formulas of arXiv:2012.04644 count (tables are weights).
        macs: multiply-accumulates of its convolutions, linear layers and unfolded products, computed densely.
        additions: of biases, one for each output element of those of them that have a bias; the papers' FLOPs hold
            them, ``macs`` leaves them out.
        elementwise: multiplications and additions of a modulation's scale and shift, which ``macs`` leaves out.
        follows: name of the norm right before a convolution.
        added_parameters: the share of ``parameters`` that channels appended by that norm cause.
        added_macs: the share of ``macs`` that they cause.
    """

    name: str
    kind: Kind
    size: tuple[int, int]
    channels_in: int
    channels_out: int
    kernel: int
    parameters: int
    weights: int
    macs: int
    additions: int = 0
    elementwise: int = 0
    follows: str | None = None
    added_parameters: int = 0
    added_macs: int = 0


def walk(generator: Generator, semantics: Semantics) -> list[Layer]:
    """All layers of a generator in the order of its forward pass; those that it does not reach come last, without work.

    Every norm is replaced during the walk by one that only says how many channels leave it: what the norm computes is
    taken from its definition, at the size of its input, so that it does not matter by which path it would compute. Of
    a norm with linear layers, or that reads a style, `modulation` runs, to see on how many codes its layers work.
    Build the generator and the label maps on the meta device: then nothing is computed at all.

    Args:
        generator: on the meta device.
        semantics: one label map (1,H,W) on the same device.

    Raises:
        CountError: more than one label map, a norm that is not reached or whose linear layers are not, or a parameter
            that belongs to no layer.
    """
    if len(semantics) != 1:
        raise CountError(f"costs are those of one image: give one label map, not {len(semantics)}")
    reached: list[Layer] = []
    sizes = [(h, w) for h, w in generator.readings(*semantics.size)]  # nothing but the sizes: no norm will read
    with torch.no_grad(), plain_formula(), _watched(generator, reached):
        generator(semantics.prepare(sizes))
    names = {layer.name for layer in reached}
    norms = [name for name, m in generator.named_modules() if isinstance(m, Norm) and name not in names]
    if norms:
        raise CountError(f"the forward pass of {type(generator).__name__} went around {len(norms)} of its norms "
                         f"({', '.join(norms[:3])}): their cost is unknown")
    layers = reached + [layer for layer in _holders(generator) if layer.name not in names]
    total, counted = sum(p.numel() for p in generator.parameters()), sum(layer.parameters for layer in layers)
    if counted != total:
        raise CountError(f"{type(generator).__name__} has {total} parameters, its layers {counted}: parameters are "
                         f"shared between layers, or a layer ran twice")
    return layers


def network_work(network: nn.Module, *inputs: object, call: Callable[..., object] | None = None) -> tuple[int, int]:
    """Multiply-accumulates, and additions of biases, of the convolutions and linear layers that a network runs.

    Args:
        network: without norms.
        inputs: of its forward pass, or of the call.
        call: what runs it; None: itself.
    """
    ran = _layers_that_run(network, lambda: (call or network)(*inputs))
    return sum(_work(*each) for each in ran), sum(_additions(*each) for each in ran)


def _layers_that_run(network: nn.Module, run: Callable[[], object]) -> list[tuple[nn.Module, Tensor]]:
    """The convolutions and linear layers of a network that a call runs, each time with its output."""
    ran: list[tuple[nn.Module, Tensor]] = []
    handles = [m.register_forward_hook(lambda module, _, output: ran.append((module, output)))
               for m in network.modules() if isinstance(m, Convolution | Linear | UnfoldedProduct)]
    try:
        with torch.no_grad():
            run()
    finally:
        for handle in handles:
            handle.remove()
    return ran


@contextmanager
def _watched(generator: Network, reached: list[Layer]) -> Iterator[None]:
    """Write every norm, convolution and linear layer that runs into ``reached``."""
    handles, stubbed = [], []
    inside: set[nn.Module] = set()
    for name, module in generator.named_modules():
        if module in inside:
            continue
        if isinstance(module, Norm):
            inside.update(module.modules())
            module.__dict__["forward"] = _stub(name, module, reached)
            stubbed.append(module)
        elif isinstance(module, Convolution | Linear | UnfoldedProduct):
            handles.append(module.register_forward_hook(_hook(name, reached)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        for module in stubbed:
            del module.__dict__["forward"]


def _stub(name: str, norm: Norm, reached: list[Layer]) -> Callable[..., Tensor]:
    def forward(x: Tensor, semantics: Semantics, style: Style | None = None, *_: object, **__: object) -> Tensor:
        n, h, w = x.shape[0], x.shape[-2], x.shape[-1]
        linear = {m for m in norm.modules() if isinstance(m, Linear)}
        outputs: list[tuple[nn.Module, Tensor]] = []
        if linear or norm.reads_style:
            outputs = _layers_that_run(norm, lambda: norm.modulation(semantics.at(h, w), style))
        ran = {m for m, _ in outputs}
        if linear - ran:
            raise CountError(f"the modulation of {name} ({type(norm).__name__}) went around {len(linear - ran)} of its "
                             f"linear layers: their cost is unknown")
        # Other convolutions keep the size of what is normalised.
        outputs += [(m, x.new_empty(1, m.out_channels, h, w)) for m in norm.modules()
                    if isinstance(m, Convolution) and m not in ran]
        macs, additions = sum(_work(*each) for each in outputs), sum(_additions(*each) for each in outputs)
        parameters, weights = _learned(norm)
        reached.append(Layer(name, "norm", (h, w), norm.channels, norm.out_channels, 0, parameters, weights, macs,
                             additions, elementwise_operations(norm, h, w)))
        return x.new_empty(n, norm.out_channels, h, w)
    return forward


def _hook(name: str, reached: list[Layer]) -> Callable[[nn.Module, object, Tensor], None]:
    def record(module: nn.Module, _: object, output: Tensor) -> None:
        work, (parameters, weights) = (_work(module, output), _additions(module, output)), _learned(module)
        if isinstance(module, Linear):
            sides = ((module.inputs, module.outputs) if isinstance(module, ClassLinear) else
                     (module.in_features, module.out_features))
            reached.append(Layer(name, "linear", (1, 1), *sides, 1, parameters, weights, *work))
            return
        h, w = (int(v) for v in output.shape[-2:])
        if isinstance(module, UnfoldedProduct):
            channels = output.shape[1]
            reached.append(Layer(name, "unfolded", (h, w), channels, channels, 0, 0, 0, *work))
            return
        assert isinstance(module, Convolution)
        before = reached[-1] if reached and reached[-1].kind == "norm" else None
        added = 0
        if before is not None and before.channels_out == module.in_channels:
            added = before.channels_out - before.channels_in
        share = conv_macs(module.kernel_size, added, module.out_channels, 1)
        reached.append(Layer(name, "conv", (h, w), module.in_channels, module.out_channels, module.kernel_size[0],
                             parameters, weights, *work, follows=before.name if before else None,
                             added_parameters=share, added_macs=share * h * w))
    return record


def _holders(network: Network) -> Iterator[Layer]:
    """A layer without work for every module that owns parameters, norms and parametrised layers as wholes."""
    inside: set[nn.Module] = set()
    for name, module in network.named_modules():
        whole = isinstance(module, Norm | Convolution | Linear)
        if module not in inside and (whole or any(True for _ in module.parameters(recurse=False))):
            parameters, weights = _learned(module) if whole else _learned(module, recurse=False)
            kind: Kind = "conv" if isinstance(module, Convolution) else "linear" if whole else "other"
            yield Layer(name, kind, (0, 0), 0, 0, 0, parameters, weights, 0)
        if whole:
            inside.update(module.modules())


def _learned(module: nn.Module, recurse: bool = True) -> tuple[int, int]:
    """Number of parameters, and of those with two or more dimensions, which are no biases."""
    parameters = list(module.parameters(recurse))
    return sum(p.numel() for p in parameters), sum(p.numel() for p in parameters if p.ndim > 1)


def _work(module: nn.Module, output: Tensor) -> int:
    """Multiply-accumulates of one layer for an output (1,C,H,W) or (...,C)."""
    if isinstance(module, nn.Linear):
        return linear_macs(module.in_features, module.out_features, output.numel() // output.shape[-1])
    if isinstance(module, ClassLinear):
        return module.inputs * output.numel()
    if isinstance(module, UnfoldedProduct):
        return module.taps * output.numel()
    assert isinstance(module, Convolution)
    positions = output.shape[0] * output[0, 0].numel()
    return conv_macs(module.kernel_size, module.in_channels, module.out_channels, positions, module.groups)


def _additions(module: nn.Module, output: Tensor) -> int:
    """Additions of a layer's bias to an output."""
    return 0 if isinstance(module, UnfoldedProduct) or module.bias is None else output.numel()
