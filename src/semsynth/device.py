"""The device to compute on."""

import platform

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


def hardware(device: torch.device) -> str:
    """The name of the device as its maker gives it, as far as the system tells."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
