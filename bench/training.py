"""Training: iterations with the generator as published against the fast one, with the losses of the recipes."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from measure import alternate, saved_bytes
from networks import DEVICE, build, prepared
from torch import Tensor
from torch.nn.utils import parametrize

from semsynth.complexity.formulation import as_published
from semsynth.complexity.weights import random_vgg
from semsynth.discriminators.patchgan import MultiscaleDiscriminator
from semsynth.losses.adversarial import Hinge
from semsynth.losses.feature_matching import FeatureMatching
from semsynth.losses.inputs import LossInputs, Maps
from semsynth.losses.perceptual import Perceptual
from semsynth.semantics import Semantics

HEADS = ["G forward + backward, published ms", "ratio", "compiled", "bfloat16", "iteration, published ms",
         "published order", "fake drawn once", "drawn once, compiled", "drawn once, bfloat16, compiled",
         "kept for backward, published MiB", "kept, fast / published"]

Draw = Callable[[], tuple[Semantics, Tensor]]


class Iterations:
    """Generator and discriminator steps: hinge loss, feature matching and, at the published width, VGG-19.

    Args:
        judge: the discriminator.
        real: images (N,3,H,W).
        perceptual: the VGG loss with random weights, whose cost is that of the trained ones; None for none.
    """

    def __init__(self, judge: MultiscaleDiscriminator, real: Tensor, perceptual: Perceptual | None) -> None:
        self.judge, self.real, self.perceptual = judge, real, perceptual
        self.hinge, self.matching = Hinge(), FeatureMatching()

    def published(self, draw: Draw) -> None:
        """The generator's step, then the discriminator's on a fake drawn again."""
        self.judge.zero_grad()
        self.judge.requires_grad_(False)
        semantics, fake = draw()
        self._generator(self._judged(semantics, fake)).backward()
        self.judge.requires_grad_(True)
        with torch.no_grad():
            semantics, fake = draw()
        self._discriminator(self._judged(semantics, fake)).backward()

    def once(self, draw: Draw, together: bool) -> None:
        """Both steps on one fake and one pass through the discriminator, of fake and real ``together`` or apart."""
        self.judge.zero_grad()
        semantics, fake = draw()
        cut = fake.detach().requires_grad_()
        step = self._judged(semantics, cut) if together else self._judged_apart(semantics, cut)
        gradient, = torch.autograd.grad(self._generator(step), cut, retain_graph=True)
        fake.backward(gradient)
        self._discriminator(step).backward()

    def _judged(self, semantics: Semantics, fake: Tensor) -> LossInputs:
        halves = [[m.float().chunk(2) for m in maps] for maps in self.judge(semantics, torch.cat([fake, self.real]))]
        fakes, reals = ([[m[i] for m in maps] for maps in halves] for i in (0, 1))
        return LossInputs(semantics, self.real, fake.float(), fakes, reals)

    def _judged_apart(self, semantics: Semantics, fake: Tensor) -> LossInputs:
        with parametrize.cached():
            fakes, reals = ([[m.float() for m in maps] for maps in self.judge(semantics, x)]
                            for x in (fake, self.real.to(fake)))
        return LossInputs(semantics, self.real, fake.float(), fakes, reals)

    def _generator(self, step: LossInputs) -> Tensor:
        loss = self._mean(self.hinge.generator, step.fake_maps) + 10 * self.matching(step)
        with torch.autocast(DEVICE, enabled=False):
            return loss if self.perceptual is None else loss + 10 * self.perceptual(step)

    def _discriminator(self, step: LossInputs) -> Tensor:
        return self._mean(self.hinge.discriminator, step.real_maps, step.fake_maps)

    @staticmethod
    def _mean(objective: Callable[..., Tensor], *maps: Maps) -> Tensor:
        return torch.stack([objective(*(m[-1] for m in scale)) for scale in zip(*maps, strict=True)]).mean()


def training(norm: str, labels: Tensor, classes: int, ngf: int, repeats: int) -> list[str]:
    """The cells of a row."""
    torch._dynamo.reset()
    network = build(norm, labels.shape[-1], ngf, classes)
    compiled, plain = copy.deepcopy(network), as_published(network)
    compiled.compile()
    judge = MultiscaleDiscriminator(classes, ndf=64 if ngf == 64 else 32).to(DEVICE)
    compiled_judge = copy.deepcopy(judge)
    compiled_judge.compile()
    given = Semantics(labels, classes).to(DEVICE)
    real = torch.rand(len(labels), 3, *labels.shape[1:], device=DEVICE) * 2 - 1
    perceptual = _vgg().to(DEVICE) if ngf == 64 else None
    steps, compiled_steps = Iterations(judge, real, perceptual), Iterations(compiled_judge, real, perceptual)

    def published() -> tuple[Semantics, Tensor]:
        network.zero_grad()
        return given, plain(given)

    def fast(generator: Any = network) -> tuple[Semantics, Tensor]:
        generator.zero_grad()
        semantics = prepared(generator, labels, classes)
        return semantics, generator(semantics)

    def low(call: Callable[[], Any]) -> Any:
        with torch.autocast(DEVICE, torch.bfloat16):
            return call()

    first = given, prepared(network, labels, classes)
    kept = [saved_bytes(f, network) for f in (lambda: plain(given), lambda: network(first[1]))]
    times = alternate([
        lambda: published()[1].mean().backward(), lambda: fast()[1].mean().backward(),
        lambda: fast(compiled)[1].mean().backward(), lambda: low(fast)[1].float().mean().backward(),
        lambda: steps.published(published), lambda: steps.published(fast), lambda: steps.once(fast, together=False),
        lambda: compiled_steps.once(lambda: fast(compiled), together=True),
        lambda: low(lambda: compiled_steps.once(lambda: fast(compiled), together=True))], repeats)
    return [f"{times[0] * 1e3:.0f}", *(f"{times[0] / t:.2f}" for t in times[1:4]), f"{times[4] * 1e3:.0f}",
            *(f"{times[4] / t:.2f}" for t in times[5:]), f"{kept[0] / 2 ** 20:.0f}", f"{kept[1] / kept[0]:.2f}"]


def _vgg() -> Perceptual:
    with tempfile.TemporaryDirectory() as folder:
        return Perceptual(str(random_vgg(Path(folder) / "vgg.pth")))
