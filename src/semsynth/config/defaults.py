"""Filling in what follows from other settings."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from semsynth.config.batch import complete_batch
from semsynth.config.device import uses_cuda
from semsynth.config.shards import complete_shards
from semsynth.config.static_checks import check_classes
from semsynth.config.unpaired_rules import complete_labels_from
from semsynth.errors import ConfigError
from semsynth.signatures import locate, targets

log = logging.getLogger(__name__)

MULTIPLE = 32  # sides made from an aspect are rounded to this


def finalize(cfg: DictConfig) -> DictConfig:
    """Fill in what follows from other settings, in place: batch, size, the classes of a folder, offsets, the decay.

    - `batch` becomes numbers that agree, see `complete_batch`;
    - with `shards`, the files of the data set are read from there, see `complete_shards`;
    - `size`, where it is a number, becomes [H, W]: the shorter side, with the aspect of `dataset.size`, the other side
      rounded to a multiple of 32;
    - the classes of `dataset=folder` are read from its `classes.yaml`;
    - `dataset.masks=auto` of `dataset=folder` becomes ids or colours, as classes.yaml or its masks tell;
    - `icpe.enabled=auto` becomes true where a norm reads offsets or `generator.fc_offsets` is set;
    - `dataset.labels_from`, where it is a folder or a data set, becomes the node that reads its label maps;
    - `matmul=auto` becomes the precision for the device that trains;
    - `decay_epochs=auto` becomes the share of `epochs` that it has in the recipe.

    Raises:
        ConfigError: a batch that cannot be shared, a norm that does not exist, a folder without readable classes, or
            masks that two readings fit.
    """
    if "gpus" in cfg:
        complete_batch(cfg)
    complete_shards(cfg)
    if not isinstance(cfg.size, ListConfig):
        OmegaConf.update(cfg, "size", shorter_side(cfg.size, cfg.dataset.size), force_add=True)
    void = None
    if cfg.dataset.name == "folder" and not cfg.dataset.classes:
        from semsynth.data.classes import load_classes

        try:
            table = load_classes(cfg.dataset.root)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        values: dict[str, Any] = {"classes": table.names, "colours": table.colours, "ids": table.ids}
        if OmegaConf.is_missing(cfg.dataset, "num_classes") or cfg.dataset.num_classes is None:
            values["num_classes"] = len(table.names)
        if cfg.dataset.unknown is None:
            values["unknown"] = table.unknown
            void = table.undeclared_void
        for key, value in values.items():
            OmegaConf.update(cfg, f"dataset.{key}", value, force_add=True)
        check_classes(cfg)
    if cfg.dataset.name == "folder" and cfg.dataset.masks == "auto":
        OmegaConf.update(cfg, "dataset.masks", _mask_reading(cfg.dataset.root))
    if void is not None and cfg.dataset.masks != "colours":  # there no id stands for a class
        log.warning("255 stands for class %s, and is void in most data sets: if it is void here, write `unknown: %s` "
                    "into classes.yaml, else it is drawn and scored as any other class", void, void)
    if "icpe" in cfg and cfg.icpe.enabled == "auto":
        OmegaConf.update(cfg, "icpe.enabled", reads_offsets(cfg))
    if cfg.get("matmul") == "auto":
        from semsynth.matmul import chosen

        OmegaConf.update(cfg, "matmul", chosen("auto", "cuda" if uses_cuda(cfg) else "cpu"))
    if cfg.get("decay_epochs") == "auto":
        OmegaConf.update(cfg, "decay_epochs", share_of_decay(cfg.recipe, cfg.epochs))
    complete_labels_from(cfg)
    return cfg


def _mask_reading(root: str) -> str:
    """What tells the classes in the masks of a folder: ids or colours; auto where there are none."""
    from semsynth.data.classes import load_classes
    from semsynth.data.mask_files import masks_of
    from semsynth.data.mask_reading import reading_of

    try:
        files = masks_of(Path(root).expanduser())
    except ValueError:
        return "auto"
    if not files and not Path(root, "classes.yaml").expanduser().is_file():  # an imported run, without any files
        return "auto"
    try:
        return reading_of(load_classes(root), "auto", lambda: files)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def share_of_decay(recipe: DictConfig, epochs: int) -> int:
    """The epochs of `epochs` in which the learning rates fall, at the recipe's share of them."""
    return min(epochs, round(epochs * recipe.decay_epochs / recipe.epochs))


def shorter_side(side: int, usual: Sequence[int]) -> list[int]:
    """[H, W] with the given shorter side and about the aspect of `usual` [H, W]."""
    short = min(usual)
    return [side if length == short else max(MULTIPLE, round(side * length / short / MULTIPLE) * MULTIPLE)
            for length in usual]


def reads_offsets(cfg: DictConfig) -> bool:
    """Whether the norm (any norm of a schedule) or the generator's start reads positional offsets."""
    if OmegaConf.select(cfg, "generator.fc_offsets"):
        return True
    norm = OmegaConf.to_container(cfg.norm, resolve=True)
    return any(getattr(locate(node["_target_"], path), "uses_offsets", False) for path, node in targets(norm, "norm"))


def resolved(cfg: DictConfig) -> DictConfig:
    """The configuration with all interpolations resolved.

    Raises:
        ConfigError: one cannot be, or a value is missing.
    """
    try:
        plain: Any = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
        return cast(DictConfig, OmegaConf.create(plain))
    except OmegaConfBaseException as error:
        raise ConfigError(f"{getattr(error, 'full_key', '')}: {str(error).splitlines()[0]}") from error
