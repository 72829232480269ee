"""A recipe that follows the number of pairs that there are to train on, and a loss that follows what is installed."""

import logging
from typing import Any

import hydra.utils
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from semsynth.config.batch import typed
from semsynth.config.processes import processes
from semsynth.errors import ConfigError
from semsynth.signatures import locate, near

log = logging.getLogger(__name__)

LENGTH = {"epochs", "decay_epochs"}  # keys of a recipe that mean something together only


def fit_to_files(cfg: DictConfig) -> None:
    """Let the recipe follow the data set's files, in place; says in a line what changes.

    - Of `recipe.by_size`, the last row whose `pairs` the training set reaches changes the recipe.
    - A batch that comes from the recipe is at most the training set, as far as the processes can share it evenly.

    Top-level keys, and keys of the recipe on the command line, are left as they are given; `epochs=` alone decays as
    the row does. Where the files cannot be listed nothing changes: training says why.

    Raises:
        ConfigError: `recipe.by_size` holds something else than rows of keys of the recipe.
    """
    count = _training_pairs(cfg)
    if count is None:
        return
    changes = _changes(cfg, count)
    for key, value in changes.items():
        OmegaConf.update(cfg, f"recipe.{key}", value)
    if changes:
        words = ", ".join(f"{key}={value}" for key, value in changes.items())
        log.info("%d training pairs: the recipe takes %s (recipe.by_size; keys that are given win)", count, words)
    sharing = processes(cfg)
    samples = max(1, (count // 2 if cfg.dataset.get("unpaired") == "disjoint" else count) // sharing) * sharing
    if not any(typed(cfg).values()) and cfg.recipe.batch > samples:
        log.info("batch.total=%d instead of the recipe's %d: there are no more training samples", samples,
                 cfg.recipe.batch)
        cfg.batch.total = samples


def fit_to_packages(cfg: DictConfig) -> None:
    """Leave out the terms of the loss with `required: false` whose weights are not installed, in place; says so.

    The stored configuration then holds no such term, so that the run is continued as it was begun.
    """
    for name, node in list(cfg.loss.generator.items()):
        if not isinstance(node, DictConfig) or node.get("required") is not False:
            continue
        try:
            locate(node["_target_"], f"loss.generator.{name}").preflight()  # type: ignore[attr-defined]
        except ConfigError:
            raise
        except ValueError as error:
            log.info("no %s loss: %s", name, error)
            with open_dict(cfg):
                del cfg.loss.generator[name]


def _training_pairs(cfg: DictConfig) -> int | None:
    """Number of pairs of files of the training set; None where it is drawn, or cannot be listed."""
    if OmegaConf.select(cfg, "dataset.train.source") is None:
        return None
    sources = logging.getLogger("semsynth.data")
    level = sources.level
    sources.setLevel(logging.WARNING)  # what they tell of their files stands where training lists them
    try:
        source = hydra.utils.instantiate(cfg.dataset.train.source, _convert_="all")
        return len(source.find(cfg.dataset.instances).pairs) or None
    except (HydraException, OmegaConfBaseException, ValueError, OSError):  # told in words where it is checked or read
        return None
    finally:
        sources.setLevel(level)


def _changes(cfg: DictConfig, count: int) -> dict[str, Any]:
    rows: Any = OmegaConf.to_container(cfg.recipe.by_size) if cfg.recipe.get("by_size") else []
    for row in rows:
        wrong = [str(key) for key in row if key != "pairs" and key not in cfg.recipe]
        if "pairs" not in row or wrong:
            known = list(cfg.recipe)
            hint = f"{wrong[0]} is no key of the recipe{near(wrong[0], known)}" if wrong else "no pairs"
            raise ConfigError(f"recipe.by_size: {row}: {hint}; a row is {{pairs: LEAST, KEY_OF_THE_RECIPE: VALUE}}")
    reached: dict[str, Any] = max((row for row in rows if row["pairs"] <= count), key=lambda row: row["pairs"],
                                  default={})
    given = HydraConfig.get().overrides.task if HydraConfig.initialized() else []
    keys = [override.partition("=")[0].lstrip("+") for override in given]
    kept = {key.removeprefix("recipe.") for key in keys if key.startswith("recipe.")}
    if kept & LENGTH:  # the share of the decay is that of one recipe, not of two
        kept |= LENGTH
    return {key: value for key, value in reached.items()
            if key != "pairs" and key not in kept and cfg.recipe[key] != value}
