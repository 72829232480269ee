"""Pack the many files of a data set into few large ones, which training reads at any place with data=shards.

    python tools/make_shards.py dataset=coco_stuff output=SHARDS
    python train.py dataset=coco_stuff data=shards shards=SHARDS

Every file is read and checked; where there are faults nothing is made. What is there and still of the same files stays.
"""

from pathlib import Path
from typing import Any

from hydra.utils import get_class, instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from semsynth.cli import command
from semsynth.config import FACTS, check_signatures, finalize, settings
from semsynth.errors import ConfigError
from semsynth.shipped import CONF
from semsynth.spelling import named, typed


def make(cfg: DictConfig, console: Console) -> None:
    """Make the shards of both splits."""
    from semsynth.data.check_report import progress_bar
    from semsynth.data.paired import PairedDataset
    from semsynth.data.shards.making import make_shards
    from semsynth.data.shards.storage import is_remote

    finalize(cfg)
    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    check_signatures(plain, ("dataset",))
    if not issubclass(get_class(cfg.dataset.train._target_), PairedDataset):
        raise ConfigError(f"dataset={cfg.dataset.name} is drawn, not read: there are no files to pack")
    if is_remote(str(cfg.output)):
        raise ConfigError(f"output={cfg.output}: shards are made in a folder: output=DIR, then copy it there with the "
                          "storage's own program")
    facts = {key: plain["dataset"].get(key) for key in FACTS}
    for split in ("train", "val"):
        dataset = instantiate(cfg.dataset[split], strict=False, _convert_="all")()
        folder = Path(cfg.output).expanduser() / split
        made = make_shards(dataset, folder, facts, settings(cfg.dataset[split].source), cfg.shard_mb, cfg.overwrite,
                           progress_bar(split, console, len(dataset)))
        done = f"{made.samples} samples in {made.shards} shards, {made.bytes / 1e6:.0f} MB"
        console.print(f"{split}: {done if made.new else f'as they were, {done}'}", highlight=False)
    words = [f"dataset={cfg.dataset.name}", "data=shards", named("shards", cfg.output)]
    console.print(f"next: {typed(['train', *words])}", soft_wrap=True, markup=False, highlight=False)


@command(CONF / "make_shards.yaml")
def main(cfg: DictConfig) -> None:
    """Make them."""
    make(cfg, Console())
