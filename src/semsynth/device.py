"""The device to compute on."""

import torch

from semsynth.errors import ConfigError


def chosen_device(wish: str | torch.device) -> torch.device:
    """A device as it is typed: `auto` is CUDA where there is one, else the CPU.

    Raises:
        ConfigError: there is no such device.
    """
    cuda = torch.cuda.is_available()
    try:
        device = torch.device(("cuda" if cuda else "cpu") if wish == "auto" else wish)
    except RuntimeError as error:
        raise ConfigError(f"device={wish} must be auto, cpu or cuda") from error
    if device.type == "cuda" and not cuda:
        raise ConfigError(f"device={wish}: PyTorch finds no CUDA device here; take device=cpu")
    return device
