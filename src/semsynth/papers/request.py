"""Studies as they are asked for on the command line of train.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from semsynth.errors import StudyError
from semsynth.papers.study import Study, Words, names, read_study
from semsynth.shipped import EXPERIMENTS
from semsynth.signatures import near
from semsynth.spelling import typed

RESULTS, SMALL_RESULTS = Path("docs/results"), Path("multirun/small/results")
KEYS = ("study.folder", "study.small")
STEPS = ("score", "cost", "measure")  # words of train.py are typed as they are
SHOW = ("--help", "-h", "--cfg")
SCENES = "scenes"  # the data set that is drawn, as many samples as one likes
COMMANDS = {"score": "evaluate", "cost": "complexity", "measure": "complexity"}


@dataclass(frozen=True)
class Request:
    """Studies that shall be run, or shown.

    Attributes:
        studies: With the words that were typed.
        folder: Where their pages go.
        small: Whether they are the cut-down forms.
        launcher: Words for every sweep.
        show: Whether to say only what would be done.
        words: As typed for trainings and other steps: with them a page is of another setting than the study's own.
    """

    studies: tuple[Study, ...]
    folder: Path
    small: bool = False
    launcher: tuple[str, ...] = ()
    show: bool = False
    words: tuple[str, ...] = ()

    def trainings(self) -> list[list[str]]:
        """The words of every sweep of trainings."""
        return [[f"{key}={value}" for key, value in sweep.items()] for study in self.studies for sweep in study.train]

    def others(self) -> list[tuple[str, list[str]]]:
        """The command and the words of every other step that reads what trainings or networks are like."""
        found = []
        for study in self.studies:
            for step, command in COMMANDS.items():
                node = getattr(study, step)
                sweeps = node if step == "measure" else [node] if node is not None else []
                found += [(command, [f"{key}={value}" for key, value in sweep.items()]) for sweep in sweeps]
        return found

    def command(self, study: Study) -> str:
        """What is typed for one of the studies alone."""
        return typed(["train", f"experiments={study.name}", *["study.small=true"] * self.small, *self.words])


def asked_for(arguments: Sequence[str], experiments: Sequence[Path] = EXPERIMENTS) -> Request | None:
    """The studies that `experiments=` names, by commas or a pattern such as `*_scenes`; None where it names none.

    Other words are those of every training (`seed=0`, `trainer=gpu`); `study.score.KEY=`, `study.cost.KEY=` and
    `study.measure.KEY=` are for the other steps, `study.folder=DIR` and `study.small=true` for the study.

    Raises:
        StudyError: words that it does not take.
    """
    given = [argument for argument in arguments if argument.startswith("experiments=")]
    chosen = _chosen(given[-1].partition("=")[2], experiments) if given else []
    if not chosen:
        return None
    show, words = False, _Steps()
    launcher: list[str] = []
    kept: list[str] = []
    options: dict[str, str] = {}
    rest = iter(argument for argument in arguments if argument not in given)
    for argument in rest:
        key, equals, value = argument.partition("=")
        if argument in SHOW:
            show = True
            if argument == "--cfg":
                next(rest, None)
        elif argument in ("-m", "--multirun"):
            continue
        elif not equals or argument.startswith("-"):
            raise StudyError(f"{argument}: a study takes words KEY=VALUE, and --help")
        elif key.startswith("hydra"):
            launcher.append(argument)
        elif key.startswith("study."):
            _option(key, value, options, words)
            kept += [argument] if key not in KEYS else []
        else:
            words.train[key] = value
            kept.append(argument)
    small = _truth(options.get("study.small", "false"))
    for study in chosen if small else []:
        _check_small(study, experiments)
    studies = [(study.reduced() if small else study).changed(words.by_step) for study in chosen]
    folder = Path(options.get("study.folder", SMALL_RESULTS if small else RESULTS))
    return Request(tuple(studies), folder, small, tuple(launcher), show, tuple(kept))


@dataclass
class _Steps:
    train: Words = field(default_factory=dict)
    others: dict[str, Words] = field(default_factory=dict)

    @property
    def by_step(self) -> Mapping[str, Words]:
        return {"train": self.train, **self.others}


def _chosen(value: str, experiments: Sequence[Path]) -> list[Study]:
    """Studies among the words of `experiments=`.

    Raises:
        StudyError: some are, others are not.
    """
    patterns = value.strip("'\"").split(",")
    there = names(experiments) if any("*" in pattern for pattern in patterns) else []
    wanted = [name for p in patterns for name in ([n for n in there if fnmatchcase(n, p)] if "*" in p else [p])]
    found = {name: study for name in wanted if (study := read_study(name, experiments))}
    if found and len(found) < len(set(wanted)):
        others = ", ".join(name for name in wanted if name not in found)
        raise StudyError(f"experiments={value}: {others} is no study: start it by itself"
                         f"{near(others, names(experiments))}")
    return list(found.values())


def _check_small(study: Study, experiments: Sequence[Path]) -> None:
    """Raise StudyError where a study has no cut-down form: its trainings read data sets that cannot be made short."""
    if {dataset for sweep in study.train for dataset in sweep["dataset"].split(",")} <= {SCENES}:
        return
    other = f"{study.name}_{SCENES}"
    raise StudyError(f"study.small=true: {study.name} trains on data sets as published, and has no cut-down form"
                     + (f": {other} has one" if read_study(other, experiments) else ""))


def _option(key: str, value: str, options: dict[str, str], words: _Steps) -> None:
    step, _, name = key.removeprefix("study.").partition(".")
    if step in STEPS and name:
        words.others.setdefault(step, {})[name] = value
    elif key in KEYS:
        options[key] = value
    else:
        known = (*KEYS, *(f"study.{step}.KEY" for step in STEPS))
        raise StudyError(f"{key}: there is no such key{near(key, known)} (there are {', '.join(known)})")


def _truth(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise StudyError(f"study.small={value} must be true or false")
    return value.lower() == "true"
