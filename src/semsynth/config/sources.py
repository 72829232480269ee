"""Whether the files of a data set are where they are looked for: known without a network, and within moments."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from semsynth.config.building import built
from semsynth.errors import DataError
from semsynth.signatures import bind


def check_sources(cfg: DictConfig) -> None:
    """List the files of both splits. What is wrong with single files is told when they are read.

    Raises:
        DataError: a folder is missing or holds no samples; of both splits, each once.
        ConfigError: a source refuses its values.
    """
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
