"""Whether the files of a data set are where they are looked for: known without a network, and within moments."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from semsynth.config.building import built
from semsynth.config.shards import complete_shards
from semsynth.errors import DataError
from semsynth.signatures import bind


def check_sources(cfg: DictConfig) -> None:
    """List the files of both splits, or what is in their shards, which `complete_shards` puts in their place.

    What is wrong with single files is told when they are read.

    Raises:
        DataError: a folder is missing or holds no samples; of both splits, each once.
        ConfigError: a source refuses its values.
    """
    complete_shards(cfg)
    faults: dict[str, None] = {}
    for split in ("train", "val"):
        where = f"dataset.{split}.source"
        node = OmegaConf.select(cfg, where)
        if node is None:  # drawn, not read
            continue
        plain: Any = OmegaConf.to_container(node, resolve=True)
        bind(where, plain)
        try:
            built(node).find(cfg.dataset.instances)
        except DataError as error:
            faults[str(error)] = None
    if faults:
        raise DataError("\n".join(faults))
