"""Making a run of a released checkpoint."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, ListConfig

from semsynth import config
from semsynth.errors import ConfigError
from semsynth.runs.init_from import fresh_state, refuse_used, save_imported
from semsynth.shipped import CONF


def import_checkpoint(cfg: DictConfig, choices: Sequence[str]) -> list[str]:
    """Import a model as the run directory `output`; return lines about what was found.

    Args:
        cfg: The configuration of the command: `source`, `output` and what is said of the model.
        choices: The overrides of a data set and a recipe; without `dataset=NAME`: the data set that fits.

    Raises:
        ConfigError: the directory is used, or something that is said of the model is wrong.
        CheckpointError: the files are no model that is known.
    """
    from semsynth.checkpoints.importer import open_model, summary
    from semsynth.checkpoints.layouts.class_order import ClassOrder
    from semsynth.checkpoints.setting import DataFacts

    refuse_used(cfg.output)
    named = next((word.partition("=")[2] for word in choices if word.startswith("dataset=")), None)
    model = open_model(cfg.source, told(cfg, named), None if cfg.epoch is None else str(cfg.epoch))
    data = None
    if model.dataset is not None:
        choices = choices if named else [f"dataset={model.dataset}", *choices]
        facts = config.finalize(composed(choices, cfg.output)).dataset
        data = DataFacts(model.dataset, facts.num_classes, tuple(facts.size))
    setting = model.setting(data)
    choices = [*choices, *model.overrides(setting)]
    training = composed(choices, cfg.output)
    config.check_values(training)
    training = config.prepare_part(training, (*config.NETWORKS, "icpe", "loss"))
    order = ClassOrder(training.dataset.num_classes, training.dataset.get("unknown"))
    networks = model.convert(lambda part: fresh_state(training, part), order)
    lines = summary(model, setting, choices)
    if cfg.codes is not None:
        lines.append(add_codes(networks["generator"], Path(cfg.codes).expanduser()))
    save_imported(training, networks, model.record(setting))
    return lines


def add_codes(generator: dict[str, Any], folder: Path) -> str:
    """Put average codes into the tensors of a generator; returns what was found.

    Raises:
        ConfigError: the generator has no such codes.
        CheckpointError: the folder holds none of this generator's.
    """
    from semsynth.checkpoints.mean_codes import read_mean_codes

    if "codes.means" not in generator:
        raise ConfigError(f"codes={folder} belongs to SEAN's generator, and this is another's: leave it out")
    codes, line = read_mean_codes(folder, *generator["codes.means"].shape)
    generator |= codes
    return line


def composed(overrides: Sequence[str], output: str) -> DictConfig:
    """The configuration of a training in a directory."""
    running = GlobalHydra.instance().is_initialized()  # Hydra is started once: by the command, or here
    with nullcontext() if running else initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("train", overrides=[*overrides, "logger=csv"])
    cfg.run_dir = output
    return cfg


def told(cfg: DictConfig, dataset: str | None) -> Any:
    """What the command line says of the model.

    Raises:
        ConfigError: a value that is none.
    """
    from semsynth.checkpoints.files import ImportHints

    size = list(cfg.size) if isinstance(cfg.size, ListConfig) else cfg.size if cfg.size is None else [cfg.size] * 2
    if size is not None and (len(size) != 2 or not all(type(side) is int and side > 0 for side in size)):
        raise ConfigError(f"size={cfg.size} must be [HEIGHT,WIDTH] in pixels")
    if cfg.edges not in (None, True, False):
        raise ConfigError(f"edges={cfg.edges} must be true or false")
    return ImportHints(dataset, None if size is None else tuple(size), cfg.upsamplings, cfg.edges)
