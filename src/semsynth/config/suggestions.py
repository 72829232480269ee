"""What to say when Hydra itself refuses an override."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import OmegaConf

from semsynth.signatures import near


def suggest(arguments: Sequence[str], config_dir: Path, config_name: str = "train") -> list[str]:
    """For every `key=value` argument whose key or choice Hydra cannot know, a line with what is near.

    Args:
        arguments: Command-line arguments.
        config_dir: The directory of the configuration.
        config_name: Its primary file.
    """
    groups = {str(p.relative_to(config_dir)): sorted(f.stem for f in p.glob("*.yaml"))
              for p in config_dir.rglob("*") if p.is_dir()}
    lines = []
    keys: set[str] | None = None
    for argument in arguments:
        key, equals, value = argument.lstrip("+~").partition("=")
        key = key.split("@")[0]
        if not equals or argument.startswith(("-", "~", "+")) or key.startswith(("hydra", "experiments")):
            continue
        if key in groups:
            for choice in value.split(","):
                if choice and choice not in groups[key] and "(" not in value and choice != "null":
                    lines.append(f"{key}={choice}: there is no such choice{near(choice, groups[key])}")
            continue
        if keys is None:
            keys = _all_keys(config_dir, config_name)
        if keys and key not in keys:
            lines.append(f"{key}: there is no such key{_near_key(key, keys | set(groups))}")
    return lines


def _all_keys(config_dir: Path, config_name: str) -> set[str]:
    try:
        with initialize_config_dir(str(config_dir.resolve()), version_base="1.3"):
            cfg = compose(config_name)
    except HydraException:
        return set()
    keys: set[str] = set()

    def collect(node: Any, path: str) -> None:
        if isinstance(node, dict):
            for key, child in node.items():
                collect(child, f"{path}.{key}" if path else str(key))
        keys.add(path)

    collect(OmegaConf.to_container(cfg, resolve=False), "")
    return keys


def _near_key(key: str, keys: set[str]) -> str:
    """The nearest dotted keys; also those whose last word is near, wherever they stand."""
    last = key.rsplit(".", 1)[-1]
    matches = difflib.get_close_matches(key, sorted(keys), n=2, cutoff=0.6)
    ends = {k.rsplit(".", 1)[-1] for k in keys}
    for word in difflib.get_close_matches(last, sorted(ends), n=1, cutoff=0.75):
        matches += [k for k in sorted(keys) if k.rsplit(".", 1)[-1] == word][:2]
    return f"; did you mean {' or '.join(dict.fromkeys(matches))}?" if matches else ""
