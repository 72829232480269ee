"""The first checks: values that are impossible whatever the rest is. They import neither torch nor Lightning."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from semsynth.errors import ConfigError
from semsynth.signatures import near

KEYS = (
    "size", "batch", "epochs", "decay_epochs", "accumulate", "seed", "compile", "matmul", "threads", "resume",
    "init_from",
    "run_dir", "dataset", "icpe", "augment", "data", "base", "norm", "encoder", "generator", "discriminator",
    "objective", "loss", "optim", "system", "callbacks", "protocol", "segmenter", "scores", "trainer", "logger",
)


def check_values(cfg: DictConfig) -> None:
    """Check the top-level keys and the facts of the data set.

    Raises:
        ConfigError: an unknown key or an impossible value.
    """
    if "study" in cfg:
        raise ConfigError("experiments= names a table or figure, whose jobs are of several commands: "
                          "python train.py experiments=NAME, without others beside it")
    for key in cfg:
        if key not in KEYS:
            raise ConfigError(f"unknown key {key!s}{near(str(key), KEYS)}")
    check_whole(cfg, "batch", 1)
    check_whole(cfg, "epochs", 1)
    check_whole(cfg, "accumulate", 1)
    check_whole(cfg, "seed", 0)
    check_threads(cfg)
    if cfg.decay_epochs != "auto":
        check_whole(cfg, "decay_epochs", 0)
        if cfg.decay_epochs > cfg.epochs:
            raise ConfigError(f"decay_epochs={cfg.decay_epochs} is more than epochs={cfg.epochs}")
    for key in ("compile", "dataset.instances", "dataset.edges"):
        _one_of(cfg, key, (True, False))
    _one_of(cfg, "icpe.enabled", ("auto", True, False))
    check_matmul(cfg)
    check_size(cfg)
    check_classes(cfg)
    if _value(cfg, "dataset.edges") and not _value(cfg, "dataset.instances"):
        raise ConfigError("dataset.edges=true needs dataset.instances=true: edges are made from instance maps")


def check_matmul(cfg: DictConfig) -> None:
    """Check `matmul`, which a command that does not train has not.

    Raises:
        ConfigError: it is no precision.
    """
    if "matmul" in cfg:
        _one_of(cfg, "matmul", ("auto", "highest", "high", "medium"))


def check_size(cfg: DictConfig) -> None:
    """Check `size`.

    Raises:
        ConfigError: it is neither a side nor [H,W], or too small.
    """
    size = _value(cfg, "size")
    sides = list(size) if isinstance(size, ListConfig | list) else [size, size]
    if len(sides) != 2 or not all(_is_whole(side) and side >= 8 for side in sides):
        raise ConfigError(f"size={size} must be [H,W] or the shorter side, in pixels from 8 on")


def check_classes(cfg: DictConfig) -> None:
    """Check that the classes of the data set, their colours and their number agree.

    Raises:
        ConfigError: they do not.
    """
    names, colours = _value(cfg, "dataset.classes"), _value(cfg, "dataset.colours")
    count, unknown = _value(cfg, "dataset.num_classes"), _value(cfg, "dataset.unknown")
    if names is None or colours is None or count is None:  # read from the data set's own files by `finalize`
        return
    if not len(names) == len(colours) == count:
        raise ConfigError(f"dataset.num_classes={count}, but dataset.classes has {len(names)} names and "
                          f"dataset.colours {len(colours)} colours: all three must agree")
    for name, colour in zip(names, colours, strict=True):
        if len(colour) != 3 or not all(_is_whole(part) and 0 <= part <= 255 for part in colour):
            raise ConfigError(f"dataset.colours: {list(colour)} of class {name} is not [R,G,B] with values 0 to 255")
    if unknown is not None and not (_is_whole(unknown) and 0 <= unknown < count):
        raise ConfigError(f"dataset.unknown={unknown} is no class: null or 0 to {count - 1}")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _value(cfg: DictConfig, key: str) -> Any:
    try:
        return OmegaConf.select(cfg, key, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{key}: {str(error).splitlines()[0]}") from error


def check_whole(cfg: DictConfig, key: str, least: int) -> None:
    """Check that a key holds a whole number from `least` on.

    Raises:
        ConfigError: it does not.
    """
    value = _value(cfg, key)
    if not _is_whole(value) or value < least:
        raise ConfigError(f"{key}={value} must be a whole number from {least} on")


def check_threads(cfg: DictConfig) -> None:
    """Check `threads`.

    Raises:
        ConfigError: it is neither auto nor a whole number from 1 on.
    """
    threads = _value(cfg, "threads")
    if threads != "auto" and not (_is_whole(threads) and threads >= 1):
        raise ConfigError(f"threads={threads} must be auto or a whole number from 1 on")


def is_one_of(value: Any, allowed: Sequence[Any]) -> bool:
    """Whether a value is one of those that are allowed, where 1 is not true."""
    return any(value is choice or (isinstance(choice, str) and value == choice) for choice in allowed)


def _one_of(cfg: DictConfig, key: str, allowed: Sequence[Any]) -> None:
    value = _value(cfg, key)
    if not is_one_of(value, allowed):
        words = [str(choice).lower() for choice in allowed]
        raise ConfigError(f"{key}={value} must be {', '.join(words[:-1])} or {words[-1]}{near(str(value), words)}")


def check_output(cfg: DictConfig, suffix: str) -> None:
    """Check that `output` names a file with a suffix that can be written.

    Raises:
        ConfigError: it is missing, has another suffix, or is a directory.
    """
    if OmegaConf.is_missing(cfg, "output") or cfg.output is None:
        raise ConfigError(f"output= is missing: name the file to write, as in output=NAME{suffix}")
    if Path(str(cfg.output)).suffix != suffix or Path(str(cfg.output)).is_dir():
        raise ConfigError(f"output={cfg.output} must be a file whose name ends in {suffix}")
