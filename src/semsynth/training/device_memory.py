"""What a training needs of a GPU's memory at least, said before its first batch."""

from dataclasses import dataclass

import pytorch_lightning as pl
import torch

from semsynth.spelling import as_typed_here

ADAM = 2  # moments for each parameter


@dataclass(frozen=True)
class Least:
    """Bytes on a GPU before the first batch.

    Attributes:
        held: What is there: weights, moving averages and, of a training that goes on, optimizer states.
        to_come: Gradients of one network, and optimizer states that are not there yet.
        free: What the device has left, other processes of it included.
        total: What the device has.
    """

    held: int
    to_come: int
    free: int
    total: int

    def line(self) -> str:
        """What to print."""
        gb = {name: f"{value / 1e9:.2f} GB" for name, value in vars(self).items()}
        said = f"GPU memory: {gb['held']} held, {gb['to_come']} to come for gradients and optimizer states"
        if self.to_come > self.free:
            return (f"warning: {said}, but only {gb['free']} of {gb['total']} are free: a smaller generator.ngf or "
                    f"discriminator.ndf take less")
        left = f"{(self.free - self.to_come) / 1e9:.2f} GB of {gb['total']}"
        return as_typed_here(f"{said}; {left} stay for the activations (their size is estimated by python "
                             f"tools/complexity.py fits={self.total / 1e9:.0f}GB with the same choices)")


def to_come(optimizers: list[torch.optim.Optimizer]) -> int:
    """Bytes that will be there at once at the first steps: Adam's moments of all optimizers, gradients of one."""
    moments, gradients = 0, [0]
    for optimizer in optimizers:
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        moments += sum(ADAM * parameter.nbytes for parameter in parameters if not optimizer.state.get(parameter))
        gradients.append(sum(parameter.nbytes for parameter in parameters))
    return moments + max(gradients)


class DeviceMemory(pl.Callback):
    """Say on a GPU what training needs there at least, and warn where that is not free; nothing is refused."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print it, of the first device for all."""
        device = trainer.strategy.root_device
        if device.type != "cuda" or not trainer.is_global_zero:
            return
        free, total = torch.cuda.mem_get_info(device)
        held, reserved = torch.cuda.memory_allocated(device), torch.cuda.memory_reserved(device)
        print(Least(held, to_come(trainer.optimizers), free + reserved - held, total).line(), flush=True)
