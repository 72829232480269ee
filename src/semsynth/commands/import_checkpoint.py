"""Turn a released checkpoint into a run.

    python tools/import_checkpoint.py source=FILE_OR_DIR output=RUN
    python tools/import_checkpoint.py source=FILE_OR_DIR output=RUN dataset=ade20k

Takes the files of SPADE and CLADE (generator; discriminator and encoder where they lie beside it). The run is like any
other: synthesize.py run=RUN, evaluate.py run=RUN, train.py init_from=RUN.
"""

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from semsynth.cli import command
from semsynth.shipped import CONF


@command(CONF / "import_checkpoint.yaml")
def main(cfg: DictConfig) -> None:
    """Import, and say what was found."""
    from semsynth.runs.importing import import_checkpoint

    choices = [o for o in HydraConfig.get().overrides.task if o.startswith(("dataset", "recipe"))]
    print(*import_checkpoint(cfg, choices), sep="\n")
    print(f"run directory: {cfg.output}")
