"""Groups whose choice follows that of another, as `recipe: ${dataset}` in the defaults list of a command."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.errors import MissingConfigException

from semsynth.cli.meanings import chosen
from semsynth.shipped import CONF

REFERENCE = re.compile(r"\$\{(\w+)\}")
TRAIN = CONF / "train.yaml"


def followed(file: Path) -> dict[str, str]:
    """The groups of a command that follow another one, with that other: `{"recipe": "dataset"}`."""
    matches = {group: REFERENCE.fullmatch(str(choice)) for group, choice in chosen(file).items()}
    return {group: match[1] for group, match in matches.items() if match}


def check_followed(given: Mapping[str, Sequence[Any]], groups: Mapping[str, Sequence[str]], file: Path) -> list[str]:
    """A line for each group that is not given, and has no choice of the name that it follows.

    Args:
        given: The choices that the command line makes of a group; several in a sweep.
        groups: The choices that there are of each group.
        file: The command's file in conf/.
    """
    lines = []
    for group, other in followed(file).items():
        for name in map(str, () if group in given else given.get(other, ())):
            if name in groups[other] and name not in groups[group]:
                lines.append(f"{other}={name} has no {group} of its own: take {group}=NAME (there are "
                             f"{', '.join(groups[group])}), or write {group}/{name}.yaml beside {other}/{name}.yaml")
    return lines


def missing_choice(error: MissingConfigException) -> str | None:
    """What to say where Hydra misses the file of a choice, as an experiment may lead to; None for another file."""
    group, slash, name = str(error.missing_cfg_file or "").rpartition("/")
    if not slash:
        return None
    other = followed(TRAIN).get(group)
    way_out = f"; {group} follows {other}: take another with {group}=NAME" if other else ""
    return f"{group}={name}: there is no such choice (there are {', '.join(error.options or [])}){way_out}"
