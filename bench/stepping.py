"""Training: whole iterations of generator and discriminator with VGG-19 losses and their optimizers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from card import CUDA, Call, Setting
from networks import DEVICE, build
from torch import Tensor, nn
from training import Iterations

from semsynth.complexity.formulation import as_published
from semsynth.discriminators.patchgan import MultiscaleDiscriminator
from semsynth.losses.inputs import LossInputs
from semsynth.losses.perceptual import Perceptual
from semsynth.semantics import Semantics

PEER, PUBLISHED = "iteration, released, compiled bf16", ("iteration, published order, bf16",
                                                         "iteration, published order, compiled bf16")
ONCE = ("iteration, drawn once, bf16", "iteration, drawn once, compiled bf16")
Draw = Callable[[], tuple[Semantics, Tensor]]


class Stepping(Iterations):
    """Iterations with both optimizers.

    Args:
        generator: What is trained and draws.
        judge: The discriminator.
        real: Images (N,3,H,W).
        perceptual: The VGG loss, or None.
        losses_in_autocast: Whether the losses run in the precision of the networks: a plain script has all of it within
            autocast.
    """

    def __init__(self, generator: nn.Module, judge: MultiscaleDiscriminator, real: Tensor,
                 perceptual: Perceptual | None, losses_in_autocast: bool) -> None:
        super().__init__(judge, real, perceptual)
        self.losses_in_autocast = losses_in_autocast
        adam = partial(torch.optim.Adam, betas=(0.0, 0.9), fused=True if CUDA else None)
        self.generator_optimizer = adam(generator.parameters(), lr=1e-4)
        self.judge_optimizer = adam(judge.parameters(), lr=4e-4)

    def published(self, draw: Draw) -> None:
        """The generator's step, then the discriminator's on a fake drawn again."""
        self.judge.requires_grad_(False)
        semantics, fake = draw()
        self._generator(self._judged(semantics, fake)).backward()
        self._step(self.generator_optimizer)
        self.judge.requires_grad_(True)
        with torch.no_grad():
            semantics, fake = draw()
        self._discriminator(self._judged(semantics, fake)).backward()
        self._step(self.judge_optimizer)

    def once(self, draw: Draw, together: bool) -> None:
        """Both steps on one fake and one pass through the discriminator, of fake and real ``together`` or apart."""
        super().once(draw, together)
        self._step(self.generator_optimizer)
        self._step(self.judge_optimizer)

    @staticmethod
    def _step(optimizer: torch.optim.Optimizer) -> None:
        optimizer.step()
        optimizer.zero_grad()

    def _generator(self, step: LossInputs) -> Tensor:
        if not self.losses_in_autocast or self.perceptual is None:
            return super()._generator(step)
        return self._mean(self.hinge.generator, step.fake_maps) + 10 * (self.matching(step) + self.perceptual(step))


def stepping(norm: str, labels: Tensor, classes: int, setting: Setting, perceptual: Perceptual | None, *,
             compiling: bool) -> list[Call]:
    """What is timed; label maps (N,H,W) and images lie on the device, those for ours are prepared: loaders do that.

    ``compiling`` adds what takes a compiler's time.
    """
    ours = build(norm, labels.shape[-1], setting.ngf, classes)
    released = as_published(copy.deepcopy(ours)).to(memory_format=torch.channels_last)
    judge = MultiscaleDiscriminator(classes, ndf=setting.ngf).to(DEVICE, memory_format=torch.channels_last)
    perceptual = perceptual and perceptual.to(DEVICE, memory_format=torch.channels_last)
    labels = labels.to(DEVICE)
    real = (torch.rand(len(labels), 3, *labels.shape[1:], device=DEVICE) * 2 - 1).to(memory_format=torch.channels_last)
    plain = Semantics(labels, classes)
    ready = ours.prepare(Semantics(labels, classes))

    def stepped(network: nn.Module, judge: MultiscaleDiscriminator, perceptual: Any, plain_script: bool) -> Stepping:
        return Stepping(network, judge, real, perceptual, plain_script)

    def low(run: Callable[[], Any], enabled: bool = True) -> Any:
        with torch.autocast(DEVICE, torch.bfloat16, enabled=enabled):
            return run()

    def both(draw: Callable[[], Tensor], network: nn.Module, enabled: bool) -> None:
        """Generator forward and backward."""
        low(draw, enabled).float().mean().backward()
        network.zero_grad()

    def theirs(network: Any = released) -> tuple[Semantics, Tensor]:
        return plain, network(plain)

    def mine(network: Any = ours) -> tuple[Semantics, Tensor]:
        return ready, network(ready)

    script = stepped(released, judge, perceptual, True)
    suite = stepped(ours, copy.deepcopy(judge), perceptual, False)
    calls = [Call("G, released, fp32", lambda: both(lambda: theirs()[1], released, False)),
             Call("G, released, bf16", lambda: both(lambda: theirs()[1], released, True)),
             Call("G, fp32", lambda: both(lambda: mine()[1], ours, False)),
             Call("G, bf16", lambda: both(lambda: mine()[1], ours, True)),
             Call("iteration, released, fp32", lambda: script.published(theirs)),
             Call("iteration, released, bf16", lambda: low(lambda: script.published(theirs))),
             Call("iteration, published order, fp32", lambda: suite.published(mine)),
             Call(PUBLISHED[0], lambda: low(lambda: suite.published(mine))),
             Call("iteration, drawn once, fp32", lambda: suite.once(mine, together=False)),
             Call(ONCE[0], lambda: low(lambda: suite.once(mine, together=False)))]
    if compiling:
        peer, peer_judge = setting.compiled(released), setting.compiled(copy.deepcopy(judge))
        peer_losses = perceptual and setting.compiled(copy.deepcopy(perceptual))
        fast_script = stepped(released, peer_judge, peer_losses, True)
        calls += [Call("G, released, compiled bf16", lambda: both(lambda: theirs(peer)[1], released, True), True),
                  Call(PEER, lambda: low(lambda: fast_script.published(partial(theirs, peer))), True)]
    if compiling and not setting.small:
        fast, fast_judge = copy.deepcopy(ours), copy.deepcopy(judge)
        fast.compile()
        fast_judge.compile()
        fast_suite = stepped(fast, fast_judge, perceptual, False)
        calls += [Call("G, compiled bf16", lambda: both(lambda: mine(fast)[1], fast, True), True),
                  Call(PUBLISHED[1], lambda: low(lambda: fast_suite.published(partial(mine, fast))), True),
                  Call(ONCE[1], lambda: low(lambda: fast_suite.once(partial(mine, fast), together=True)), True)]
    return calls
