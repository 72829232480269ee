"""Why a training run stops early, in words."""

import torch
from torch import Tensor


class TrainingStopped(RuntimeError):
    """Training cannot go on; the message says why and what to do."""


class NonFiniteLossError(TrainingStopped):
    """A loss became NaN or infinite."""


def check_finite(raw: dict[str, Tensor], flags: Tensor, where: str) -> None:
    """Raise for the first term that is not finite.

    Args:
        raw: Scalar losses by metric key.
        flags: (len(raw),) bool or count, nonzero where a term is not finite (on any rank).
        where: Epoch and batch, for the message.

    Raises:
        NonFiniteLossError: names every loss that is not finite and its value on this rank.
    """
    bad = [key for key, flag in zip(raw, flags.tolist(), strict=True) if flag]
    if bad:
        values = ", ".join(f"{key} = {raw[key].item():g}" for key in bad)
        raise NonFiniteLossError(
            f"{values} in {where}. No weights were changed in this step. Lower the learning rates "
            f"(optim.generator.lr, optim.discriminator.lr), or train with trainer.precision=32-true if it is not."
        )


def non_finite(raw: dict[str, Tensor]) -> Tensor:
    """(len(raw),) float32, 1 where a scalar loss is NaN or infinite."""
    return (~torch.isfinite(torch.stack([value.detach().float() for value in raw.values()]))).float()


def memory_advice(batch: int, accumulate: int, precision: str, checkpointing: bool) -> str:
    """What to set when the accelerator is out of memory, from the settings that ran out.

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
