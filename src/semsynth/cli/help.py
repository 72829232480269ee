"""`--help`: what a command does, and its keys with their meanings and values."""

import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import yaml
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from semsynth.cli.folders import groups_of, searchpath
from semsynth.cli.meanings import HIDDEN, UNUSED, chosen, meanings
from semsynth.cli.suggestions import check_choices

MARGIN = 26  # columns before the meanings
MORE = """\
-m KEY=A,B            runs every combination as a job of its own
--cfg job             prints the composed configuration and does nothing; --cfg job -p GROUP a part of it
Names of files are written as they are, with any signs; quote for the shell alone.
"""


def describe(file: Path, about: str, overrides: Sequence[str] = ()) -> str:
    """The text of `--help`: the values are those of the given overrides.

    Args:
        file: The command's file in conf/.
        about: What the command does, with examples.
        overrides: As Hydra reads them; flags are passed over.

    Raises:
        ConfigError: choices that there are not.
    """
    check_choices(overrides, file)
    given = [word for word in overrides if not word.startswith(("-", "hydra.searchpath="))
             and ("=" in word or word[0] == "~")]  # no flags and their values
    with initialize_config_dir(str(file.parent), version_base="1.3"):
        cfg = compose(file.stem, overrides=[*searchpath(overrides), *given], return_hydra_config=True)
    words = {key: text for key, text in meanings(file).items() if not text.startswith(HIDDEN)}
    groups, choices = groups_of(file, overrides), cfg.hydra.runtime.choices
    width = min(110, shutil.get_terminal_size((110, 24)).columns)
    lines = [about.strip(), ""]
    named = [group for group in chosen(file) if group in words]
    if named:
        lines += ["Choices, each a file in conf/ (GROUP=NAME):"]
        for group in named:
            choice = choices[group] if group in choices else _listed(group, given, file)
            lines += _entry(f"{group}={_text(choice)}", words[group], width)
            if len(groups[group]) > 1:
                lines += _indented(f"({', '.join(groups[group])})", width)
        lines += [""]
    lines += ["Keys (KEY=VALUE, here with the values that hold unless given):"]
    for key in (key for key in words if key not in chosen(file)):
        lines += _entry(f"{key}{_value(cfg, key)}", words[key], width)
    return "\n".join([*lines, "", *MORE.strip().splitlines()])


def _listed(group: str, overrides: Sequence[str], file: Path) -> Any:
    """The choices of a group that takes several, which Hydra does not tell."""
    values = [yaml.safe_load(o.partition("=")[2]) for o in overrides if o.partition("=")[0] == group]
    return values[-1] if values else chosen(file)[group]


def drop_unused(cfg: DictConfig, file: Path) -> None:
    """Take out, in place, the groups that experiments may choose and a command does not use."""
    with open_dict(cfg):
        for group in chosen(file):
            if meanings(file).get(group, "").startswith(UNUSED):
                cfg.pop(group, None)


def _entry(left: str, text: str, width: int) -> list[str]:
    """A key and its meaning, in columns."""
    lines = _indented(text, width)
    if len(left) > MARGIN - 3:
        return [f"  {left}", *lines]
    return [f"  {left:<{MARGIN - 3}} {lines[0].strip()}", *lines[1:]]


def _indented(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=" " * MARGIN, subsequent_indent=" " * MARGIN,
                         break_on_hyphens=False)


def _value(cfg: DictConfig, key: str) -> str:
    """`=VALUE` of a key; for one without a value what stands for it, nothing for a node of further keys."""
    if OmegaConf.is_missing(cfg, key):
        return "=..."
    try:
        node = OmegaConf.select(cfg, key)
    except OmegaConfBaseException:  # follows from what is known when the command runs
        node = OmegaConf.to_container(cfg, resolve=False)
        for part in key.split("."):
            node = cast(dict[str, Any], node)[part]
    if isinstance(node, DictConfig):
        return ""
    return f"={_text(OmegaConf.to_container(node) if isinstance(node, ListConfig) else node)}"


def _text(value: Any) -> str:
    """A value as it would be typed."""
    if isinstance(value, str):
        return value
    flow = yaml.safe_dump(value, default_flow_style=True, width=10_000)
    return flow.removesuffix("\n...\n").strip().replace(", ", ",")
