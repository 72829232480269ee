"""Make the instance maps of COCO-Stuff from COCO's annotations.

    python tools/coco_instances.py root=DIR

Draws the objects of annotations/instances_{train,val}2017.json over the label maps in {train,val}_label/ and writes
{train,val}_inst/, as for the published models. What is there already stays, so that it can be stopped and called again.
"""

from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from semsynth.cli import command
from semsynth.shipped import CONF
from semsynth.spelling import named, typed


def make(cfg: DictConfig, console: Console) -> None:
    """Make the maps of every split."""
    from semsynth.data.check_report import progress_bar
    from semsynth.data.coco_instances import make_maps, plan

    root, annotations = Path(cfg.root).expanduser(), Path(cfg.annotations).expanduser()
    for split in cfg.splits:
        console.print(f"{split}: reading {annotations / f'instances_{split}2017.json'}", soft_wrap=True)
        jobs = plan(root, split, annotations / f"instances_{split}2017.json", cfg.overwrite)
        make_maps(jobs, progress_bar(split, console, len(jobs)))
        console.print(f"{split}: {len(jobs)} instance maps made", highlight=False)
    console.print(f"next: {typed(['check_data', 'dataset=coco_stuff', named('dataset.root', root)])}", soft_wrap=True,
                  markup=False)


@command(CONF / "coco_instances.yaml")
def main(cfg: DictConfig) -> None:
    """Make them."""
    make(cfg, Console())
