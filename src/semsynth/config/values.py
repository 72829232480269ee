"""Values that can be typed in several ways."""

from collections.abc import Iterable
from typing import Any

from omegaconf import DictConfig, OmegaConf


def listed(words: Any) -> list[Any] | None:
    """A list, of which one alone may be typed without brackets; None for null."""
    return None if words is None else [words] if isinstance(words, str | int | float) else list(words)


def plain_values(cfg: DictConfig, keys: Iterable[str]) -> dict[str, Any]:
    """The values of some keys, lists as lists."""
    return {key: OmegaConf.to_object(value) if OmegaConf.is_config(value := cfg[key]) else value for key in keys}
