"""The networks whose styles are those of regions, and what is timed of them, on a CPU and on a GPU."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from card import CUDA, Call, Setting
from measure import alternate, saved_bytes
from networks import DEVICE
from torch import Tensor

from semsynth.complexity.formulation import as_published
from semsynth.generators.groupdnet import GroupDNetGenerator
from semsynth.generators.inade import INADEGenerator
from semsynth.generators.sean import SEANGenerator
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.ace import ACE, ACE_CLADE
from semsynth.norms.base import plain_formula
from semsynth.norms.clade import CLADE
from semsynth.norms.group import Grouped
from semsynth.norms.inade import INADE
from semsynth.norms.schedule import Mixed
from semsynth.semantics import Reading, Semantics
from semsynth.style import Style

CLASSES = 19
TARGETS = {"SEAN": 3.0, "SEAN-CLADE": 2.5}  # how many times as fast drawing shall be on a CPU
PUBLISHED, PLAIN, PEER = "published, fp32", "plain, bf16", "plain, compiled bf16"
Clock = Callable[[], float]


def sean(norm: type[ACE], **options: Any) -> SEANGenerator:
    """SEAN with the norm's published widths."""
    return SEANGenerator(Mixed(norm, partial(norm, styled=False), 6), CLASSES, **options)


def groupdnet(norm: Any, small: Any, ngf: int = 64, **options: Any) -> GroupDNetGenerator:
    """GroupDNet as on CelebAMask-HQ; nineteen wide where others are narrower than published."""
    if ngf != 64:
        return GroupDNetGenerator(small, CLASSES, ngf=CLASSES, groups=[19] * 7, **options)
    return GroupDNetGenerator(norm, CLASSES, ngf=304, groups=[19, 19, 8, 8, 4, 4, 2], **options)


GROUPED = Grouped(hidden=[361, 361, 152, 152, 76, 76, 38], hidden_groups=19, output_groups=19)
NETWORKS: dict[str, Callable[..., SPADEGenerator]] = {
    "SEAN": partial(sean, ACE), "SEAN-CLADE": partial(sean, ACE_CLADE),
    "INADE": partial(INADEGenerator, INADE, CLASSES),
    "GroupDNet": partial(groupdnet, GROUPED, Grouped(hidden=19)), "GroupDNet-CLADE": partial(groupdnet, CLADE, CLADE)}


def build(name: str, **options: Any) -> SPADEGenerator:
    """At its initial weights, with noise of the size of the features."""
    torch.manual_seed(0)
    with torch.device(DEVICE):
        generator = NETWORKS[name](init_gain=1.0, **options)
    for key, value in generator.named_parameters():
        if key.endswith("noise_scale"):
            torch.nn.init.normal_(value, std=0.1)
    return generator


def style_of(generator: SPADEGenerator, labels: Tensor) -> Style:
    """A style of each picture: of instances where the network knows them, here all of a class."""
    style = generator.draw_style(len(labels), Semantics(labels.to(DEVICE), CLASSES))
    assert style is not None
    return style


def drawing(generator: SPADEGenerator, labels: Tensor, repeats: int, clock: Clock) -> tuple[list[float], float]:
    """Seconds of both for label maps never seen before, and the largest difference over the largest value."""
    generator.eval()
    style, plain, fast = style_of(generator, labels), as_published(generator).eval(), generator.optimize_for_inference()
    calls = [lambda: plain(Semantics(labels, CLASSES), style),
             lambda: fast(fast.prepare(Semantics(labels, CLASSES)), style)]
    with torch.inference_mode():
        times = alternate(calls, repeats, clock)
        expected, found = (call() for call in calls)
    return times, ((found - expected).abs().max() / expected.abs().max()).item()


def training(generator: SPADEGenerator, labels: Tensor, repeats: int, clock: Clock) -> tuple[list[float], list[int]]:
    """Seconds of both for a forward and a backward pass of the generator, and the bytes kept between."""
    generator.train()
    style, plain = style_of(generator, labels), as_published(generator).train()
    forwards = [lambda: plain(Semantics(labels, CLASSES), style),
                lambda: generator(generator.prepare(Semantics(labels, CLASSES)), style)]
    times = alternate([partial(_with_backward, forward) for forward in forwards], repeats, clock)
    return times, [saved_bytes(forward, generator) for forward in forwards]


def _with_backward(forward: Callable[[], Tensor]) -> None:
    forward().float().square().mean().backward()


def on_gpu(name: str, labels: Tensor, setting: Setting, *, train: bool) -> list[Call]:
    """What is timed on a GPU, the generator's drawing or its forward and backward pass.

    `plain` is our generator by its formula at every pixel, all pictures and classes at once: a stronger peer than the
    released loops over them. Drawing takes label maps (N,H,W) that lie in pinned memory and were never seen before, but
    for the "known" ones; in training they are prepared and on the device, as loaders deliver them.
    """
    ours = build(name, size=tuple(labels.shape[1:]), ngf=setting.ngf).train(train)
    ours.to(memory_format=torch.channels_last)
    released, plain = as_published(copy.deepcopy(ours)).train(train), copy.deepcopy(ours).train(train)
    labels, style = labels.pin_memory() if CUDA else labels, style_of(ours, labels)
    fp32 = ours if train else ours.optimize_for_inference()
    bf16 = ours if train else ours.optimize_for_inference(dtype=torch.bfloat16)
    sizes = [Reading(*size, size.needs & {"regions"}) for size in ours.readings(*labels.shape[1:])]

    def moved() -> Semantics:
        return Semantics(labels.to(DEVICE, non_blocking=True), CLASSES)

    known, known_plain, compiled = ours.prepare(moved()), moved().prepare(sizes), setting.compiled(plain._image)

    def run(draw: Callable[[Semantics, Style], Tensor], semantics: Callable[[], Semantics], low: bool = False) -> None:
        with torch.set_grad_enabled(train):
            with torch.autocast(DEVICE, torch.bfloat16, enabled=low):
                out = draw(semantics(), style)
            if train:
                out.float().square().mean().backward()

    def by_formula(image: Any) -> None:
        with plain_formula():
            run(lambda semantics, style: image(semantics, plain.read(semantics, style)),
                lambda: known_plain if train else moved().prepare(sizes), True)

    new, ready = (lambda: known) if train else (lambda: ours.prepare(moved())), lambda: known
    calls = [Call(PUBLISHED, lambda: run(released, moved)), Call(PLAIN, lambda: by_formula(plain._image)),
             Call(PEER, lambda: by_formula(compiled), compiles=True),
             Call("ours, fp32", lambda: run(fp32, new)), Call("ours, bf16", lambda: run(bf16, new, train))]
    return calls if train else [*calls, Call("ours, known map, bf16", lambda: run(bf16, ready))]
