"""Turn a released checkpoint into a run.

    python tools/import_checkpoint.py source=FILE_OR_DIR output=RUN
    python tools/import_checkpoint.py source=FILE_OR_DIR output=RUN dataset=ade20k

Takes the files of SPADE and CLADE (generator; discriminator and encoder where they lie beside it). The run is like any
other: synthesize.py run=RUN, evaluate.py run=RUN, train.py init_from=RUN.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, ListConfig

from semsynth import config, runs
from semsynth.cli import command
from semsynth.cli.typed import quoted
from semsynth.errors import ConfigError

CONF = Path(__file__).resolve().parents[1] / "conf"


def composed(overrides: Sequence[str], output: str) -> DictConfig:
    """The configuration of a training."""
    running = GlobalHydra.instance().is_initialized()  # Hydra is started once: by the command, or here
    with nullcontext() if running else initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", overrides=[*overrides, f"run_dir={quoted(output)}", "logger=csv"])


def import_checkpoint(cfg: DictConfig, dataset: Sequence[str]) -> list[str]:
    """Import; `dataset` are the overrides that choose one. Return lines about what was found."""
    from semsynth.checkpoints.importer import open_model, summary
    from semsynth.checkpoints.setting import DataFacts

    runs.refuse_used(cfg.output)
    choice = None if not dataset else dataset[0].partition("=")[2]
    model = open_model(cfg.source, told(cfg, choice), None if cfg.epoch is None else str(cfg.epoch))
    data = None
    if model.dataset is not None:
        dataset = dataset or [f"dataset={model.dataset}"]
        facts = config.finalize(composed(dataset, cfg.output)).dataset
        data = DataFacts(model.dataset, facts.num_classes, tuple(facts.recipe.size))
    setting = model.setting(data)
    choices = model.overrides(setting)
    training = composed([*dataset, *choices], cfg.output)
    config.check_values(training)
    training = config.prepare_part(training, (*config.NETWORKS, "icpe", "loss"))
    runs.save_imported(training, model.convert(lambda part: runs.fresh_state(training, part)), model.record(setting))
    return summary(model, setting, [*dataset, *choices])


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


@command(CONF / "import_checkpoint.yaml")
def main(cfg: DictConfig) -> None:
    dataset = [o for o in HydraConfig.get().overrides.task if o.startswith("dataset")]
    print(*import_checkpoint(cfg, sorted(dataset, key=lambda o: not o.startswith("dataset="))), sep="\n")
    print(f"run directory: {cfg.output}")


if __name__ == "__main__":
    main()
