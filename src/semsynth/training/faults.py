"""Why a training run stops early, in words."""

import math

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer


class TrainingStopped(RuntimeError):
    """Training cannot go on; the message says why and what to do."""


class NonFiniteError(TrainingStopped):
    """A loss or the gradients of a network became NaN or infinite."""


UNCHANGED = {
    "generator": "No weights were changed in this step.",
    "discriminator": "The discriminator was not changed in this step; the generator was, from finite gradients.",
}
REMEDY = ("Lower the learning rates (optim.generator.lr, optim.discriminator.lr), or train with "
          "trainer.precision=32-true if it is not.")


def check_finite(part: str, raw: dict[str, Tensor], flags: Tensor, where: str) -> None:
    """Raise where a term is not finite.

    Args:
        part: `generator` or `discriminator`: whose losses these are.
        raw: Scalar losses by metric key.
        flags: (len(raw),) bool or count, nonzero where a term is not finite (on any rank).
        where: Epoch and batch, for the message.

    Raises:
        NonFiniteError: names every loss that is not finite and its value on this rank.
    """
    bad = [key for key, flag in zip(raw, flags.tolist(), strict=True) if flag]
    if bad:
        values = ", ".join(f"{key} = {raw[key].item():g}" for key in bad)
        raise NonFiniteError(f"{values} in {where}. {UNCHANGED[part]} {REMEDY}")


def check_gradients(part: str, optimizer: Optimizer, where: str) -> None:
    """Raise where a gradient that an optimizer would step with is not finite, so that its weights stay finite.

    Ranks hold the same gradients and come to the same answer.

    Raises:
        NonFiniteError: the norm of all gradients is NaN or infinite.
    """
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    norm = get_total_norm(gradients).item()
    if not math.isfinite(norm):
        raise NonFiniteError(f"the gradients of the {part} have the norm {norm:g} in {where}, though its losses are "
                             f"finite. {UNCHANGED[part]} {REMEDY}")


def non_finite(raw: dict[str, Tensor]) -> Tensor:
    """(len(raw),) float32, 1 where a scalar loss is NaN or infinite."""
    return (~torch.isfinite(torch.stack([value.detach().float() for value in raw.values()]))).float()


def out_of_memory(error: BaseException) -> bool:
    """Whether an accelerator or this machine had no memory left."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def memory_advice(batch: int, accumulate: int, precision: str, checkpointing: bool) -> str:
    """What to set when memory runs out, from the settings that ran out.

    The suggestion keeps the effective batch: half the batch, twice the accumulation.
    """
    lines = [f"Out of memory with batch={batch} accumulate={accumulate} trainer.precision={precision} "
             f"generator.checkpointing={str(checkpointing).lower()}. In the order of cost:"]
    if "bf16" not in precision:
        lines.append("  trainer.precision=bf16-mixed         about half the activations")
    if not checkpointing:
        lines.append("  generator.checkpointing=true         recomputes the blocks: less memory, one more forward pass")
    if batch > 1:
        half = batch // 2
        lines.append(f"  batch={half} accumulate={accumulate * -(-batch // half)}".ljust(39)
                     + "the same samples for each optimizer step")
    if len(lines) == 1:
        lines.append("  a smaller size= or generator.ngf=")
    return "\n".join(lines)
