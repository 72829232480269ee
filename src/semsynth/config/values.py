"""Values that can be typed in several ways."""

from collections.abc import Iterable, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from semsynth.config.static_checks import is_one_of
from semsynth.errors import ConfigError


def listed(words: Any) -> list[Any] | None:
    """A list, of which one alone may be typed without brackets; None for null."""
    return None if words is None else [words] if isinstance(words, str | int | float) else list(words)


def plain_values(cfg: DictConfig, keys: Iterable[str]) -> dict[str, Any]:
    """The values of some keys, lists as lists."""
    return {key: OmegaConf.to_object(value) if OmegaConf.is_config(value := cfg[key]) else value for key in keys}


def chosen_device(device: str) -> str:
    """A device as torch calls it: `auto` is CUDA where there is one."""
    import torch

    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


def check_choice(cfg: DictConfig, key: str, choices: Sequence[Any]) -> None:
    """Check that a key holds one of the values that it takes.

    Raises:
        ConfigError: it does not; says which there are.
    """
    if not is_one_of(cfg[key], choices):
        words = [str(choice).lower() for choice in choices]
        few = " or ".join(words) if len(words) == 2 and choices[0] is True else f"one of {', '.join(words)}"
        raise ConfigError(f"{key}={cfg[key]}: take {few}")
