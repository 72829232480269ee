"""Completing a composed configuration and checking it before anything is built.

`prepare` is what an entry point calls. Its first checks import neither torch nor Lightning, so that a wrong value is
answered at once.
"""

from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from semsynth.config.building import built
from semsynth.config.checks import (
    NETWORKS,
    build_without_memory,
    check,
    check_networks,
    check_signatures,
    check_trainer,
)
from semsynth.config.defaults import finalize, resolved, shorter_side
from semsynth.config.fitting import fit_to_files, fit_to_packages
from semsynth.config.static_checks import (
    KEYS,
    check_classes,
    check_output,
    check_size,
    check_threads,
    check_values,
    check_whole,
)
from semsynth.config.values import check_choice, chosen_device, listed, plain_values

__all__ = ["KEYS", "NETWORKS", "built", "check", "check_choice", "check_networks", "check_output", "check_threads",
           "check_values", "chosen_device", "finalize", "listed", "plain_values", "prepare", "prepare_part",
           "shorter_side"]


def prepare(cfg: DictConfig) -> DictConfig:
    """Check the values, complete the configuration, check the rest; return it with all interpolations resolved.

    Raises:
        ConfigError: something is wrong; the message names the key.
    """
    check_values(cfg)
    fit_to_files(cfg)
    fit_to_packages(cfg)
    finalize(cfg)
    complete = resolved(cfg)
    check(complete)
    return complete


def prepare_part(cfg: DictConfig, groups: Sequence[str], built: Sequence[str] = ()) -> DictConfig:
    """Complete the configuration of a tool and bind its groups; return it with all interpolations resolved.

    `encoder` and `loss`, which a data set chooses for the training of generators, are left out if not among the groups.

    Args:
        cfg: The composed configuration.
        groups: Keys whose nodes are held against their signatures.
        built: Those that are also built once, without memory for weights, for their own checks.

    Raises:
        ConfigError: something is wrong; the message names the key.
    """
    for key, least in (("batch", 1), ("epochs", 1), ("seed", 0)):
        if key in cfg:
            check_whole(cfg, key, least)
    check_size(cfg)
    check_classes(cfg)
    finalize(cfg)
    with open_dict(cfg):
        for key in {"encoder", "loss"} - set(groups):
            cfg.pop(key, None)
    complete = resolved(cfg)
    plain: Any = OmegaConf.to_container(complete)
    check_signatures(plain, groups)
    build_without_memory(complete, built)
    if "trainer" in groups:
        check_trainer(complete)
    return complete
