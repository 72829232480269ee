"""What a measurement of networks is of: a run as it is, or what was composed."""

from collections.abc import Collection

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, open_dict

from semsynth import config
from semsynth.errors import ConfigError
from semsynth.runs.directory import NODES, Run

GROUPS = (*config.NETWORKS, "objective", "loss", "optim", "icpe", "dataset", "system")


def measured(cfg: DictConfig, options: Collection[str]) -> DictConfig:
    """The completed configuration of what is measured: of `run`, or of the choices.

    Args:
        cfg: As composed; where it names no run, the options are taken out of it.
        options: Keys that say how to measure.

    Raises:
        ConfigError: choices beside a run, or something in the configuration is wrong; names the key.
    """
    if cfg.run is not None:
        typed = [override.lstrip("+") for override in HydraConfig.get().overrides.task]
        foreign = [override for override in typed if override.split("=")[0] not in (*options, "run")]
        if foreign:
            raise ConfigError(f"run={cfg.run} measures the run as it is: leave out {', '.join(foreign)}")
        saved = Run(cfg.run).whole(*NODES, "system")
        saved.run_dir = cfg.run
        return saved
    with open_dict(cfg):
        for key in {*options, "run"} - set(config.KEYS):
            del cfg[key]
    config.check_values(cfg)
    cfg = config.prepare_part(cfg, GROUPS)
    config.check_networks(cfg)
    return cfg
