"""Where a command's choices lie: beside its file in conf/, in experiments/, and where the command line says."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, QuotedString
from hydra.errors import HydraException

from semsynth.shipped import EXPERIMENTS
from semsynth.spelling import quoted

CONFIG_DIR = ("--config-dir", "-cd")
LOCAL = "file://"
OURS = ("file://.", "pkg://semsynth.shipped")  # both hold experiments/


def groups_of(file: Path, overrides: Sequence[str] = ()) -> dict[str, list[str]]:
    """The groups of a command with their choices.

    Args:
        file: The command's file in conf/.
        overrides: As Hydra reads them, with flags: one's own folders among them are looked into as well.
    """
    groups: dict[str, set[str]] = {}
    for folder in (file.parent, *own_folders(overrides)):
        for place in filter(Path.is_dir, sorted(folder.rglob("*"))):
            groups.setdefault(str(place.relative_to(folder)), set()).update(path.stem for path in place.glob("*.yaml"))
    groups.setdefault("experiments", set()).update(f.stem for folder in EXPERIMENTS for f in folder.glob("*.yaml"))
    return {name: sorted(choices) for name, choices in groups.items()}


def own_folders(overrides: Sequence[str]) -> list[Path]:
    """The folders of `--config-dir=DIR` and `hydra.searchpath=[file://DIR]`, beside the one of the process."""
    return [Path(place.removeprefix(LOCAL)) for place in _places(overrides) if place.startswith(LOCAL)]


def searchpath(overrides: Sequence[str]) -> list[str]:
    """The override with which Hydra composes from such places too, outside of a command; none without them."""
    places = _places(overrides)
    return [f"hydra.searchpath=[{','.join(map(quoted, [*OURS, *places]))}]"] if places else []


def _places(overrides: Sequence[str]) -> list[str]:
    """What the command line adds to Hydra's search path."""
    found = []
    for word, following in pairwise([*overrides, ""]):
        flag, equals, value = word.partition("=")
        if flag in CONFIG_DIR:
            found.append(f"{LOCAL}{value if equals else following}")
    for override in parsed(overrides):
        places = override.value()
        if override.key_or_group == "hydra.searchpath" and isinstance(places, list):
            found += [place.text if isinstance(place, QuotedString) else str(place) for place in places]
    return [place for place in found if place not in OURS]


def parsed(overrides: Sequence[str]) -> Iterator[Override]:
    """The overrides that Hydra can read."""
    for text in overrides:
        if not text.startswith("-"):
            try:
                yield OverridesParser.create().parse_override(text)
            except HydraException:
                continue
