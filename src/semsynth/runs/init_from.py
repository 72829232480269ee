"""Weights that come from elsewhere: `init_from`, and imported checkpoints."""

from pathlib import Path
from typing import Any, cast

import hydra.utils
from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from semsynth.errors import ConfigError
from semsynth.runs.building import save_config
from semsynth.runs.ddp import is_first_process
from semsynth.runs.directory import CHECKPOINTS, Run
from semsynth.runs.inheritance import inherited
from semsynth.runs.naming import NETWORK_WORD


def inherit(cfg: DictConfig) -> DictConfig:
    """With `init_from`, take over the data set, size and networks of that run where the command line says nothing else.

    Raises:
        ConfigError: there is no such run, it has no weights yet, or they are damaged or not finite.
    """
    if not cfg.init_from:
        return cfg
    run = _named(cfg.init_from)
    saved: Any = OmegaConf.to_container(run.whole(), resolve=True)
    run.saved.check()
    given = HydraConfig.get().overrides.task if HydraConfig.initialized() else []
    plain: Any = inherited(cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=False)), saved, given,
                           _composed_like(saved))
    if isinstance(plain["run_dir"], str):  # the chosen network says nothing here
        plain["run_dir"] = plain["run_dir"].replace(NETWORK_WORD, f"from_{run.path.resolve().name}")
    return cast(DictConfig, OmegaConf.create(plain))


def _composed_like(saved: dict[str, Any]) -> dict[str, Any] | None:
    """A training on a run's data set with its recipe, unresolved; None where Hydra is closed or has no such choice."""
    if not GlobalHydra.instance().is_initialized():
        return None
    loader = GlobalHydra.instance().config_loader()
    if any(saved[group]["name"] not in loader.get_group_options(group) for group in ("dataset", "recipe")):
        return None  # a choice of that name may be a file anywhere, to which the name is a path
    try:
        cfg = compose("train", overrides=[f"dataset={saved['dataset']['name']}", f"recipe={saved['recipe']['name']}",
                                          "scoring=folder"])  # how it is scored is not looked at
    except HydraException:
        return None
    return cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=False))


def warm_start(system: Any, cfg: DictConfig) -> None:
    """Give a system's networks the weights of the run that `init_from` names; the first process says which.

    What that run has no weights of, or has of another shape, starts afresh; the generator must fit.

    Raises:
        ConfigError: the generator is another network.
    """
    if not cfg.init_from:
        return
    from semsynth.runs.transfer import Inputs, transfer_weights

    run = _named(cfg.init_from)
    before, now = (Inputs(list(data.classes), bool(data.edges)) for data in (run.config.dataset, cfg.dataset))
    lines = transfer_weights(system, run.saved, before, now)
    if is_first_process():
        print(*lines, sep="\n", flush=True)


def _named(init_from: str) -> Run:
    """The run of `init_from`, a run directory or a file in its `checkpoints`."""
    path = Path(init_from)
    return Run(path.parents[1], path) if path.is_file() else Run(path, "last")


def refuse_used(run_dir: str | Path) -> None:
    """Raise a ConfigError where the directory of a new run holds something."""
    if Path(run_dir).exists() and (not Path(run_dir).is_dir() or any(Path(run_dir).iterdir())):
        raise ConfigError(f"output={run_dir} exists and is not empty: take another directory")


def fresh_state(cfg: DictConfig, part: str) -> dict[str, Any]:
    """The state dict of a network as it starts."""
    network = hydra.utils.instantiate(cfg[part], _convert_="all")
    return {} if network is None else network.state_dict()


def save_imported(cfg: DictConfig, parts: dict[str, dict[str, Any]], record: dict[str, Any]) -> Path:
    """Make a run directory of weights that come from elsewhere; `record` says from where. Returns the directory."""
    from semsynth.weights.run_file import save_weights

    run_dir = Path(cfg.run_dir)
    save_weights(run_dir / CHECKPOINTS / "last.safetensors", parts, imported=record)
    return save_config(cast(DictConfig, OmegaConf.merge(cfg, {"import": record})))
