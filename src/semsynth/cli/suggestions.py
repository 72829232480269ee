"""What to say of an override that cannot be composed."""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import ChoiceSweep, Override, QuotedString
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from semsynth.cli.folders import groups_of, parsed, searchpath
from semsynth.cli.following import TRAIN, check_followed
from semsynth.cli.meanings import HIDDEN, chosen, meanings
from semsynth.config.keys import is_needed
from semsynth.errors import ConfigError
from semsynth.signatures import near


def check_choices(overrides: Sequence[str], file: Path) -> None:
    """Check that keys have values and groups choices that there are, before any job of a sweep has begun.

    Args:
        overrides: As Hydra reads them.
        file: The command's file in conf/.

    Raises:
        ConfigError: a line for each key without a value, for each choice that there is not, and for each group that the
            command cannot do without, makes no use of, or that is not given and has no choice of the name it follows.
    """
    groups, defaults, words = groups_of(file, overrides), chosen(file), meanings(file)
    known, lines = list(parsed(overrides)), []
    for override in known:
        group = override.key_or_group
        if "" in _choices(override) and group not in groups and not override.is_delete():
            lines.append(f"{group}=: no value is given, as by a variable of the shell that is not set: write "
                         f"{group}=VALUE, or leave it out")
        if group not in groups or group.startswith("hydra") or not groups[group]:
            continue
        there = f"choose one of {', '.join(groups[group])}"
        if override.is_add() and group in defaults:
            lines.append(f"+{group}=: {group} has a place already: leave the + out")
        if words.get(group, "").startswith(HIDDEN) or (group in chosen(TRAIN) and group not in defaults):
            lines.append(f"{group}=: this command makes no use of it: leave it out")
        elif override.is_delete():
            lines.append(f"~{group}: {there}")
        elif isinstance(listed := override.value(), list):
            lines += _of_list(group, listed, defaults.get(group), there)
        for choice in [] if override.is_delete() else _choices(override):
            if choice is None and override.package is None and defaults.get(group) is not None:
                lines.append(f"{group}=null: {there}")
            elif choice is not None and str(choice) not in groups[group]:
                lines.append(f"{group}={choice}: there is no such choice{near(str(choice), groups[group])} "
                             f"(there are {', '.join(groups[group])})")
    lines += check_followed({o.key_or_group: _choices(o) for o in known if o.package is None}, groups, file)
    lines += [f"~{override.key_or_group}: it cannot be left out; {override.key_or_group}=VALUE changes it"
              for override in parsed(overrides) if override.is_delete() and override.key_or_group not in groups
              and is_needed(override.key_or_group, file.stem)]
    if lines:
        raise ConfigError("\n".join(dict.fromkeys(lines)))


def instead_of_sweeps(overrides: Sequence[str], file: Path) -> list[str]:
    """For every override with several values by commas, a line that says how they are given.

    Args:
        overrides: As Hydra reads them, of a call that is no sweep.
        file: The command's file in conf/.
    """
    defaults, lines = chosen(file), []
    for override in parsed(overrides):
        if override.is_sweep_override():
            typed, key = str(override.input_line), override.key_or_group
            instead = f"{key}=[{typed.partition('=')[2]}]"
            both = f"; or all at once as {instead}" if isinstance(defaults.get(key), list) else ""
            lines.append(f"{typed}: several values are a sweep, which takes -m as well (-m {typed}){both}")
    return lines


def check_words(overrides: Sequence[str], file: Path) -> None:
    """Check choices and keys of a call that is made later.

    Args:
        overrides: As Hydra reads them.
        file: The command's file in conf/.

    Raises:
        ConfigError: a line for each that the command would refuse.
    """
    check_choices(overrides, file)
    if lines := suggest(overrides, file):
        raise ConfigError("\n".join(lines))


def _of_list(group: str, value: Sequence[Any], default: Any, there: str) -> list[str]:
    """What is wrong with a list of choices, which Hydra would merge: only a group whose default is one takes it."""
    if not isinstance(default, list):
        return [f"{group}=[{','.join(map(str, value))}]: {there}; the jobs of a sweep are -m {group}=A,B"]
    return [] if value else [f"{group}=[]: {there}, or several as in {group}=[A,B]"]


def suggest(overrides: Sequence[str], file: Path) -> list[str]:
    """For every override whose key is in no configuration of the command, a line with what is near; and for each whose
    key belongs to one that has got a value of its own, as in `batch=4 batch.total=32`.

    Args:
        overrides: As Hydra reads them.
        file: The command's file in conf/.
    """
    groups = groups_of(file, overrides)
    keys: set[str] | None = None
    lines, values = [], dict[str, str]()
    for override in parsed(overrides):
        key = override.key_or_group
        if override.is_add() or key in groups or key.startswith("hydra"):
            continue
        lines += [f"{override.input_line}: {value} has set all of {parent}: leave one of them out"
                  for parent, value in values.items() if key.startswith(f"{parent}.")]
        if not override.is_delete() and all(isinstance(choice, int | float | str) for choice in _choices(override)):
            values[key] = str(override.input_line)
        keys = keys or _all_keys(overrides, file)
        if keys and key not in keys:
            lines.append(f"{key}: there is no such key{_near_key(key, keys | set(chosen(file)))}")
    return lines


def _choices(override: Override) -> Sequence[Any]:
    """The values of an override, of every job of a sweep that lists them."""
    value = override.value()
    if override.is_sweep_override():
        value = value.list if isinstance(value, ChoiceSweep) else []
    values = value if isinstance(value, list) else [value]
    return [v.text if isinstance(v, QuotedString) else v for v in values]


def _all_keys(overrides: Sequence[str], file: Path) -> set[str]:
    """The keys of what the command composes with the given choices of groups; without them where they do not compose.

    Of a sweep's choices the first is taken.
    """
    groups = groups_of(file, overrides)
    chosen_groups = [override for override in parsed(overrides)
                     if override.key_or_group in groups and not override.is_delete() and _choices(override)]
    choices = [f"{str(override.input_line).partition('=')[0]}={_choices(override)[0]}" for override in chosen_groups]
    for given in (choices, []):
        try:
            GlobalHydra.instance().clear()
            with initialize_config_dir(str(file.parent), version_base="1.3"):
                cfg = compose(file.stem, overrides=[*searchpath(overrides), *given])
        except (HydraException, OmegaConfBaseException):
            continue
        return set(_dotted(OmegaConf.to_container(cfg, resolve=False)))
    return set()


def _dotted(node: Any, path: str = "") -> Iterator[str]:
    """The dotted names of all nodes and values."""
    if path:
        yield path
    if isinstance(node, dict):
        for key, child in node.items():
            yield from _dotted(child, f"{path}.{key}" if path else str(key))


def _near_key(key: str, keys: set[str]) -> str:
    """The nearest dotted keys; also those whose last word is near, wherever they stand."""
    last = key.rsplit(".", 1)[-1]
    matches = difflib.get_close_matches(key, sorted(keys), n=2, cutoff=0.6)
    ends = {k.rsplit(".", 1)[-1] for k in keys}
    for word in difflib.get_close_matches(last, sorted(ends), n=1, cutoff=0.75):
        matches += [k for k in sorted(keys) if k.rsplit(".", 1)[-1] == word][:2]
    return f"; did you mean {' or '.join(dict.fromkeys(matches))}?" if matches else " (--help lists the keys)"
