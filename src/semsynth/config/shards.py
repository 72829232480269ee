"""Reading the files of a data set from shards: what `data=shards` changes."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from semsynth.errors import ConfigError, DataError

SHARDS = "semsynth.data.shards.source.Shards"
FACTS = ("name", "classes", "colours", "ids", "num_classes", "unknown", "masks", "instances")
OWN = ("_target_", "root", "cache")  # of a source: where its files are, and not which


def complete_shards(cfg: DictConfig) -> None:
    """Let both splits of the data set be read from `shards`, in place, where that is set.

    The classes of `dataset=folder` are then those that the shards were made with.

    Raises:
        ConfigError: the data set is drawn, its files were chosen otherwise, or there are no shards of it.
    """
    if cfg.get("shards") == "":
        raise ConfigError("data=shards needs shards=DIR, the folder that tools/make_shards.py has made, or its URL")
    if cfg.get("shards") is None:
        return
    if OmegaConf.select(cfg, "dataset.train.source") is None:
        raise ConfigError(f"shards={cfg.shards}: dataset={cfg.dataset.name} is drawn, not read: leave data=shards out")
    from semsynth.data.shards.about import about
    from semsynth.data.shards.source import chosen_cache
    from semsynth.data.shards.storage import Storage, below

    for split in ("train", "val"):
        try:
            found = about(Storage(below(str(cfg.shards), split), chosen_cache(cfg.get("shards_cache"))))
        except DataError as error:
            raise ConfigError(str(error)) from error
        _take_facts(cfg, found.facts)
        node = cfg.dataset[split].source
        source = node.source if node._target_ == SHARDS else node
        if {*settings(source)} != {*found.settings} and found.facts["name"] != cfg.dataset.name:
            raise ConfigError(f"shards={cfg.shards}: of dataset={found.facts['name']}, not of "
                              f"dataset={cfg.dataset.name}: name its own shards")
        _check_settings(cfg.shards, settings(source), found.settings)
        OmegaConf.update(cfg, f"dataset.{split}.source", {
            "_target_": SHARDS, "shards": "${shards}", "cache": "${shards_cache}", "split": split,
            "classes": "${dataset.classes}", "source": source}, merge=False)


def settings(source: DictConfig) -> dict[str, Any]:
    """What says which files of a data set are taken: the node of a source without the place."""
    plain: Any = OmegaConf.to_container(source, resolve=True)
    return {key: value for key, value in plain.items() if key not in OWN}


def _take_facts(cfg: DictConfig, facts: dict[str, Any]) -> None:
    """Take from the shards what would have been read from files."""
    if cfg.dataset.name != "folder" or facts["name"] != "folder":
        return
    for key, unset in {"classes": None, "colours": None, "ids": None, "num_classes": None, "unknown": None,
                       "masks": "auto"}.items():
        if cfg.dataset.get(key) == unset:
            OmegaConf.update(cfg, f"dataset.{key}", facts[key])


def _check_settings(place: str, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    for key in ours.keys() | theirs.keys():
        if ours.get(key) != theirs.get(key):
            raise ConfigError(f"shards={place}: made with {key}={theirs.get(key)}, but dataset.{key}={ours.get(key)}: "
                              "set it likewise, or make them anew (tools/make_shards.py, overwrite=true)")
