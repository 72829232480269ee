"""Completing a composed configuration and checking it before anything is built.

`prepare` is what an entry point calls. Its first checks import neither torch nor Lightning, so that a wrong value is
answered at once.
"""

from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from semsynth.config.batch import share_again
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
from semsynth.config.keys import check_kinds
from semsynth.config.processes import complete_processes, processes, take_started
from semsynth.config.shards import FACTS, complete_shards, settings
from semsynth.config.sources import check_sources
from semsynth.config.static_checks import KEYS, check_classes, check_output, check_values
from semsynth.config.twins import losses_without
from semsynth.config.values import listed, plain_values

__all__ = ["FACTS", "KEYS", "NETWORKS", "built", "check", "check_kinds", "check_networks", "check_output",
           "check_signatures", "check_sources", "check_values", "finalize", "listed", "losses_without", "plain_values",
           "prepare", "prepare_part", "processes", "settings", "share_again", "shorter_side", "take_started"]


def prepare(cfg: DictConfig) -> DictConfig:
    """Check the values, complete the configuration, check the rest; return it with all interpolations resolved.

    Raises:
        ConfigError: something is wrong; the message names the key.
    """
    check_values(cfg)
    complete_processes(cfg)
    complete_shards(cfg)
    fit_to_files(cfg)
    fit_to_packages(cfg)
    finalize(cfg)
    complete = resolved(cfg)
    check(complete)
    return complete


def prepare_part(cfg: DictConfig, groups: Sequence[str], built: Sequence[str] = (), command: str = "") -> DictConfig:
    """Complete the configuration of a tool and bind its groups; return it with all interpolations resolved.

    Args:
        cfg: The composed configuration.
        groups: Keys whose nodes are held against their signatures.
        built: Those that are also built once, without memory for weights, for their own checks.
        command: Whose keys they are, see `check_kinds`.

    Raises:
        ConfigError: something is wrong; the message names the key.
    """
    check_kinds(cfg, command)
    check_classes(cfg)
    if "gpus" in cfg:
        complete_processes(cfg)
    finalize(cfg)
    complete = resolved(cfg)
    plain: Any = OmegaConf.to_container(complete)
    check_signatures(plain, groups)
    build_without_memory(complete, built)
    if "trainer" in groups:
        check_trainer(complete)
    return complete
