"""Paths in a run's configuration, which change when its data or the run itself is moved."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from semsynth.buildable import TRAINS
from semsynth.errors import ConfigError
from semsynth.signatures import targets

# last words of the keys that say where files lie
WORDS = ("root", "path", "names", "weights", "encoder_weights", "inception_weights", "cache", "folder", "run_dir",
         "default_root_dir", "title", "shards", "shards_cache")
WRITTEN = ("folder", "run_dir", "default_root_dir", "save_dir", "path")  # of what trains: where it writes


def is_place(key: str, before: Any, after: Any) -> bool:
    """Whether a changed value says where something lies: a path in the place of a path."""
    return key.rpartition(".")[2] in WORDS and isinstance(before, str) and isinstance(after, str)


def move(cfg: DictConfig, before: str, after: str) -> None:
    """Change a path wherever it stands, alone or at the beginning of a longer one, in place."""
    if before == after or not before:
        return

    def moved(key: str, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.startswith(before.rstrip("/") + "/"):
            return after.rstrip("/") + value[len(before.rstrip("/")):]
        return after if value == before and is_place(key, value, after) else value

    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    cfg.merge_with(OmegaConf.create(_mapped(plain, moved)))


def check_written(cfg: DictConfig, run_dir: str, typed: Collection[str]) -> None:
    """Check that a run from anybody writes into its own directory, wherever its configuration says.

    Args:
        cfg: The configuration, moved to where the run lies.
        run_dir: That directory.
        typed: Keys whose values are the user's own.

    Raises:
        ConfigError: a training would write elsewhere; names the key.
    """
    own = Path(run_dir).resolve()
    for where, node in targets(OmegaConf.to_container(cfg, resolve=True)):
        for key in WRITTEN if str(node["_target_"]).startswith(TRAINS) else ():
            full, value = f"{where}.{key}", node.get(key)
            if isinstance(value, str) and full not in typed and not Path(value).resolve().is_relative_to(own):
                raise ConfigError(f"{full}={value:.200}: the run would write outside of {run_dir}; type {full}=DIR if "
                                  "it shall")


def _mapped(node: Any, change: Callable[[str, Any], Any], key: str = "") -> Any:
    if isinstance(node, dict):
        return {name: _mapped(child, change, f"{key}.{name}") for name, child in node.items()}
    if isinstance(node, list):
        return [_mapped(child, change, key) for child in node]
    return change(key, node)
