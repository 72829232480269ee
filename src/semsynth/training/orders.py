"""The two orders of an adversarial iteration: the published one, and one that draws the fake once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor
from torch.optim import Optimizer

from semsynth.training.outputs import Batch

if TYPE_CHECKING:
    from semsynth.training.adversarial import AdversarialSystem

Raw = dict[str, Tensor]  # unweighted scalar losses by name
PARTS = ("generator", "discriminator")
AnyOptimizer = Optimizer | LightningOptimizer  # whose steps Lightning counts


def published_order(system: AdversarialSystem, window: list[Batch], batch_idx: int) -> dict[str, list[Raw]]:
    """A generator step, then a discriminator step on what the generator draws after it.

    The fakes are drawn in training mode as published: batch statistics and spectral norms move on a second time.
    """
    raws: dict[str, list[Raw]] = {part: [] for part in system.parts}
    for part, optimizer in zip(system.parts, system.both_optimizers(), strict=True):
        system.toggle_optimizer(optimizer)  # the other part's networks stay as they are
        for batch in window:
            with torch.set_grad_enabled(part == "generator"):
                drawn = system.draw(batch, part)
            raw = system.terms(part, system.loss_inputs(batch, drawn))
            with system.shares_gradients(batch is window[-1]):
                system.manual_backward(system.total(part, raw, batch_idx) / len(window))
            raws[part].append(raw)
        system.optimize(part, optimizer, batch_idx)
        system.untoggle_optimizer(optimizer)
    return raws


def one_pass(system: AdversarialSystem, window: list[Batch], batch_idx: int) -> dict[str, list[Raw]]:
    """Both steps on one fake and one pass through the discriminator, whose weights they share."""
    optimizers = dict(zip(PARTS, system.both_optimizers(), strict=True))
    raws: dict[str, list[Raw]] = {part: [] for part in PARTS}
    factor = system.loss_factor()
    for batch in window:
        drawn = system.draw(batch, "generator")
        cut = drawn.detached()  # the losses' graph ends here: it is used twice, the generator's once
        inputs = system.loss_inputs(batch, cut)
        raw = {part: system.terms(part, inputs) for part in PARTS}
        totals = {part: system.total(part, raw[part], batch_idx) / len(window) for part in PARTS}
        # torch.autograd.grad leaves the discriminator's gradients alone; in float16 it needs the scaler's factor all
        # the way, which manual_backward puts in only behind it
        gradients = torch.autograd.grad(totals["generator"] * factor, cut.tensors(), retain_graph=True,
                                        allow_unused=True)
        surrogate = [(x * (g.to(torch.promote_types(g.dtype, torch.float32)) / factor)).sum()
                     for x, g in zip(drawn.tensors(), gradients, strict=True) if g is not None and x.requires_grad]
        with system.shares_gradients(batch is window[-1]):
            system.manual_backward(torch.stack(surrogate).sum())
            system.manual_backward(totals["discriminator"])
        for part in PARTS:
            raws[part].append(raw[part])
    for part, optimizer in optimizers.items():
        # the scaler's factor may move with the generator's step, and the discriminator's gradients hold the old one
        if (moved := system.loss_factor()) is not factor:
            for p in (p for group in optimizer.param_groups for p in group["params"] if p.grad is not None):
                p.grad.mul_(moved / factor)
        system.optimize(part, optimizer, batch_idx)
    return raws
