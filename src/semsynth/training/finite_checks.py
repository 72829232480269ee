"""Why a training run stops early, in words."""

import torch


def out_of_memory(error: BaseException) -> bool:
    """Whether an accelerator or this machine had no memory left."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def memory_advice(batch: int, accumulate: int, precision: str, checkpointing: bool, processes: int = 1) -> str:
    """What to set when memory runs out, from the settings that ran out.

    The suggestion keeps the samples of an optimizer step: at most half of them on a device at a time.
    """
    lines = [f"Out of memory with batch.device={batch} batch.accumulation={accumulate} trainer.precision={precision} "
             f"generator.checkpointing={str(checkpointing).lower()}. In the order of cost:"]
    if "bf16" not in precision:
        lines.append("  trainer.precision=bf16-mixed         about half the activations")
    if not checkpointing:
        lines.append("  generator.checkpointing=true         recomputes the blocks: less memory, one more forward pass")
    if batch > 1:
        share = batch * accumulate
        half = max(size for size in range(1, batch // 2 + 1) if share % size == 0)
        lines.append(f"  batch.total={share * processes} batch.device={half}".ljust(39)
                     + "the same samples for each optimizer step")
    if len(lines) == 1:
        lines.append("  a smaller size= or generator.ngf=")
    return "\n".join(lines)
