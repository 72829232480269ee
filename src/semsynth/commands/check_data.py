"""Read every file of a data set, report its classes and its faults; or draft the classes of a folder.

    python tools/check_data.py dataset=camvid
    python tools/check_data.py dataset=folder dataset.root=DIR write_classes=true

Ends with code 1 when there are faults.
"""

import sys
from pathlib import Path

from hydra.utils import get_class, instantiate
from omegaconf import DictConfig
from rich.console import Console

from semsynth.cli import command
from semsynth.config import finalize
from semsynth.errors import ConfigError, DataError
from semsynth.shipped import CONF
from semsynth.spelling import as_typed_here


def draft(cfg: DictConfig, console: Console) -> int:
    """Write a first classes.yaml from the masks; return the exit code."""
    from semsynth.data.check_report import progress_bar
    from semsynth.data.draft import draft_classes, write_draft

    if cfg.dataset.name != "folder":
        raise DataError(f"write_classes=true needs dataset=folder; the classes of {cfg.dataset.name} are known")
    path = Path(cfg.dataset.root).expanduser() / "classes.yaml"
    made = write_draft(path, lambda: draft_classes(path.parent, progress_bar("masks", console)), cfg.overwrite)
    for message in made.skipped:
        console.print(f"left out: {message}", markup=False, soft_wrap=True)
    console.print(f"wrote {path}: give the classes their names, then run again without write_classes", soft_wrap=True,
                  markup=False)
    return 0


def check(cfg: DictConfig, console: Console) -> int:
    """Read both splits and show what is in them; return the exit code."""
    from semsynth.data.check_report import check_splits
    from semsynth.data.paired import PairedDataset

    finalize(cfg)
    if not issubclass(get_class(cfg.dataset.train._target_), PairedDataset):
        console.print(f"{cfg.dataset.name} is drawn, not read: there are no files to check")
        return 0
    masks = cfg.dataset.masks if cfg.dataset.name == "folder" else None
    make = {split: instantiate(cfg.dataset[split], strict=False, _convert_="all") for split in ("train", "val")}
    return check_splits(make, list(cfg.dataset.classes), console, masks)


def run(cfg: DictConfig, console: Console) -> int:
    """Do what is asked; faults of the data are this command's answer, code 1, and no refusal."""
    try:
        return draft(cfg, console) if cfg.write_classes else check(cfg, console)
    except (DataError, ConfigError) as error:
        console.print(as_typed_here(str(error)), markup=False, soft_wrap=True)
        return 1


@command(CONF / "check_data.yaml")
def main(cfg: DictConfig) -> None:
    """Check or draft."""
    sys.exit(run(cfg, Console()))
