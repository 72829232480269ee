"""Count, time and weigh a network: parameters, multiply-accumulates, seconds for an image, peak memory.

    python tools/complexity.py norm=clade dataset=cityscapes
    python tools/complexity.py run=DIR                    the network of a run; the record goes there
    python tools/complexity.py -m norm=spade,clade dataset=ade20k,cityscapes

Needs neither data nor weights. Writes complexity.json, layers.csv and layers.png to run_dir; a sweep also the table and
the figure of all its jobs.
"""

import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf, open_dict
from rich.console import Console
from rich.progress import track

from semsynth import config, runs
from semsynth.cli import command
from semsynth.errors import ConfigError
from semsynth.signatures import targets

GROUPS = (*config.NETWORKS, "objective", "loss", "optim", "icpe", "system")


def prepare(cfg: DictConfig, names: list[str]) -> tuple[DictConfig, dict[str, Any]]:
    """The completed configuration of what is measured, and the options."""
    given: dict[str, Any] = {key: OmegaConf.to_object(v) if OmegaConf.is_config(v := cfg[key]) else v for key in names}
    run = cfg.run
    if run is not None:
        foreign = [o for o in HydraConfig.get().overrides.task if o.lstrip("+").split("=")[0] not in (*names, "run")]
        if foreign:
            raise ConfigError(f"run={run} measures the run as it is: leave out {', '.join(foreign)}")
        saved = runs.load_config(run)
        saved.run_dir = run
        return saved, given
    with open_dict(cfg):
        for key in {*names, "run"} - set(config.KEYS):
            del cfg[key]
    config.check_values(cfg)
    cfg = config.prepare_part(cfg, GROUPS)
    config.check_networks(cfg)
    return cfg, given


def measure(cfg: DictConfig, options: Any, scratch: Path, console: Console) -> dict[str, Any]:
    from semsynth.complexity import setting
    from semsynth.complexity.measure import Parts, measure
    from semsynth.complexity.weights import random_vgg

    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    if options.memory and options.training:
        for _, node in targets(plain["system"]):
            if node["_target_"] == "semsynth.losses.perceptual.Perceptual":
                node["weights"] = str(random_vgg(scratch / "vgg19.pth"))

    def build(part: str) -> Any:
        return partial(instantiate, plain[part], _convert_="all")

    parts = Parts(build("generator"), build("discriminator"), build("encoder"), build("system"), tuple(cfg.size),
                  cfg.dataset.num_classes, cfg.dataset.instances,
                  instantiate(cfg.icpe) if cfg.icpe.enabled else None, cfg.trainer.precision, cfg.compile)
    return measure(parts, options, setting.facts(plain),
                   lambda items, title: track(list(items), title, console=console, transient=True))


@command(Path(__file__).parents[1] / "conf" / "complexity.yaml")
def main(cfg: DictConfig) -> None:
    from semsynth.complexity.setting import Options

    console = Console() if sys.stdout.isatty() else Console(width=110)
    runs.set_run_dir(cfg)
    given_run = cfg.run
    cfg, given = prepare(cfg, Options.names())
    try:
        options = Options(**given)
        with tempfile.TemporaryDirectory() as scratch:
            record = measure(cfg, options, Path(scratch), console)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    keep(record, Path(cfg.run_dir), console, together=runs.in_sweep() and given_run is None)


def keep(record: dict[str, Any], folder: Path, console: Console, together: bool = False) -> None:
    from semsynth.complexity import sweep
    from semsynth.complexity.figure import draw
    from semsynth.complexity.record import save
    from semsynth.complexity.tables import show

    show(record, console)
    path = save(record, folder)
    draw([record], folder / "layers.png")
    if together:
        path = sweep.summarise(folder.parent)
    console.print(str(path), soft_wrap=True, highlight=False, markup=False)


if __name__ == "__main__":
    main()
