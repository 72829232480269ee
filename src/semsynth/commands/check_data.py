"""Read every file of a data set, report its classes and its faults; or draft the classes of a folder.

    python tools/check_data.py dataset=camvid
    python tools/check_data.py dataset=folder dataset.root=DIR write_classes=true

Ends with code 1 when there are faults.
"""

import sys
from pathlib import Path
from typing import Any

from hydra.utils import get_class, instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from semsynth import runs
from semsynth.cli import command
from semsynth.config import check_signatures, finalize
from semsynth.errors import ConfigError, DataError
from semsynth.shipped import CONF
from semsynth.spelling import as_typed_here


def draft(cfg: DictConfig, console: Console) -> int:
    """Write a first classes.yaml from the masks; return the exit code."""
    from semsynth.data.check_report import draft_folder
    from semsynth.sharing import from_first

    if cfg.dataset.name != "folder":
        raise DataError(f"write_classes=true needs dataset=folder; the classes of {cfg.dataset.name} are known")
    from_first(lambda: draft_folder(Path(cfg.dataset.root).expanduser(), console, cfg.overwrite), "draft")
    return 0


def check(cfg: DictConfig, console: Console) -> int:
    """Read both splits and show what is in them; return the exit code."""
    from semsynth.data.check_report import check_splits
    from semsynth.data.paired import PairedDataset

    finalize(cfg)
    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    check_signatures(plain, ("dataset",))
    if not issubclass(get_class(cfg.dataset.train._target_), PairedDataset):
        console.print(f"{cfg.dataset.name} is drawn, not read: there are no files to check")
        return 0
    masks = cfg.dataset.masks if cfg.dataset.name == "folder" else None
    make = {split: instantiate(cfg.dataset[split], strict=False, _convert_="all") for split in ("train", "val")}
    return check_splits(make, list(cfg.dataset.classes), console, masks)


def run(cfg: DictConfig, console: Console) -> int:
    """Do what is asked; faults of the data are this command's answer, code 1, and no refusal."""
    try:
        with runs.together():
            return draft(cfg, console) if cfg.write_classes else check(cfg, console)
    except (DataError, ConfigError) as error:
        console.print(as_typed_here(str(error)), markup=False, soft_wrap=True)
        return 1


@command(CONF / "check_data.yaml")
def main(cfg: DictConfig) -> None:
    """Check or draft."""
    sys.exit(run(cfg, Console()))
