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

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.progress import track

from semsynth import runs
from semsynth.cli import command
from semsynth.config import plain_values
from semsynth.errors import ConfigError
from semsynth.shipped import CONF


def measure(cfg: DictConfig, options: Any, console: Console) -> dict[str, Any]:
    """Measure the networks of a completed configuration."""
    from semsynth.complexity.measure import Parts, measure
    from semsynth.complexity.setting import facts
    from semsynth.complexity.weights import give_random_vgg

    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    with tempfile.TemporaryDirectory() as scratch:
        if (options.memory and options.training) or options.fits is not None:
            give_random_vgg(plain, Path(scratch))
        return measure(Parts.of(plain, partial(instantiate, _convert_="all")), options, facts(plain),
                       lambda items, title: track(list(items), title, console=console, transient=True))


@command(CONF / "complexity.yaml")
def main(cfg: DictConfig) -> None:
    """Measure, show and keep."""
    from semsynth.complexity.report import keep
    from semsynth.complexity.setting import Options

    console = Console() if sys.stdout.isatty() else Console(width=110)
    runs.set_run_dir(cfg)
    given = plain_values(cfg, Options.names())
    together = runs.in_sweep() and cfg.run is None
    cfg = runs.measured(cfg, given)
    try:
        record = measure(cfg, Options(**given), console)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    console.print(str(keep(record, Path(cfg.run_dir), console, together)), soft_wrap=True, highlight=False,
                  markup=False)
