"""Networks that are trained on known answers: from a configuration to the trainer, and to the file that is kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra.utils
from omegaconf import DictConfig, OmegaConf

from semsynth.runs.building import build_data
from semsynth.spelling import started_as


def build_supervised(cfg: DictConfig) -> tuple[Any, Any, Any]:
    """Build what a tool needs to train one network on known answers: trainer with callbacks, system and loaders.

    Raises:
        DataError: the data are not what their reader expects.
    """
    from semsynth.training.seeding import seed_all

    data = build_data(cfg)
    seed_all("new supervised network", cfg.seed)
    system = hydra.utils.instantiate(cfg.system, _convert_="all")
    callbacks = [hydra.utils.instantiate(node, _convert_="all") for node in cfg.callbacks.values() if node]
    return hydra.utils.instantiate(cfg.trainer, callbacks=callbacks, _convert_="all"), system, data


def train_supervised(cfg: DictConfig, what: str, save: Callable[..., object], score: Callable[[Any, Any], Any]
                     ) -> None:
    """Train, write the network, score the file as it was written, and write it with its scores.

    Args:
        cfg: A checked configuration, with `output`.
        what: The network in a word or two.
        save: Writes a network, and facts by keyword, to `output`.
        score: Loads `output`; system and loaders -> its scores, as plain values.
    """
    from semsynth.training.supervised import fit

    trainer, system, data = build_supervised(cfg)
    seconds = round(fit(trainer, system, data))
    if trainer.is_global_zero:
        save(system.network)
        save(system.network, scores=score(system, data), seconds=seconds)
        size = Path(cfg.output).stat().st_size
        print(f"{what}: {cfg.output} ({size / 2**20:.2f} MiB, {seconds} s of training)")


def save_segmenter(cfg: DictConfig, network: Any, **facts: Any) -> None:
    """Write a trained segmenter to `output`, with what it was trained on and by which command, and more facts."""
    import torch

    from semsynth.segmenters.judge import save_judge

    unknown, classes = cfg.dataset.unknown, list(cfg.dataset.classes)
    save_judge(
        cfg.output, network, arguments_of(cfg.network), name=cfg.name, classes=classes,
        preprocessing=hydra.utils.instantiate(cfg.preprocessing, _convert_="all"), ignore=unknown,
        class_map=None if unknown is None else [None if c == unknown else c for c in range(len(classes))],
        dtype=getattr(torch, cfg.dtype), dataset=cfg.dataset.name, size=list(cfg.size), epochs=cfg.epochs,
        command=started_as("train_segmenter"), **facts)


def arguments_of(node: DictConfig) -> dict[str, Any]:
    """What the constructor of a node is called with, as plain values."""
    plain: Any = OmegaConf.to_container(node)
    return {key: value for key, value in plain.items() if not key.startswith("_")}
