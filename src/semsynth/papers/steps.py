"""The steps of a study: commands, and what each leaves, so that what is there already is not made again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from semsynth.errors import ConfigError
from semsynth.papers.study import Study, Words
from semsynth.reporting.collect import COMPLEXITY, SCORES
from semsynth.runs.directory import CHECKPOINTS, Run
from semsynth.runs.jobs import sweep_jobs
from semsynth.shipped import CONF
from semsynth.spelling import named

SUBDIR = "hydra.sweep.subdir=${run_name:${hydra:job.override_dirname}}"
TRAIN, EVALUATE, MEASURE = "train", "evaluate", "complexity"
Command = tuple[str, ...]
"""The name of a command and its arguments, as they follow `semsynth`."""


@dataclass(frozen=True)
class Step:
    """Jobs of one kind, which a command can do together.

    Attributes:
        kind: `prepare`, `train`, `score`, `cost` or `measure`.
        jobs: The directories that it works in; for `prepare` the file that it makes.
        commands: What does some of the jobs.
        done: Whether a job need not be done again.
        ready: Whether a job can be done: what it needs is there.
        minutes: Of one job, on two CPU cores; None where nobody says.
        words: Of a sweep of trainings, as train.py takes them.
    """

    kind: str
    jobs: tuple[Path, ...]
    commands: Callable[[Sequence[Path]], list[Command]]
    done: Callable[[Path], bool]
    ready: Callable[[Path], bool] = field(default=lambda job: True)
    minutes: float | None = None
    words: tuple[str, ...] = ()

    def pending(self) -> list[Path]:
        """Jobs that are not done."""
        return [job for job in self.jobs if not self.done(job)]


@dataclass(frozen=True)
class Place:
    """Where jobs are done.

    Args:
        multirun: Below it lie the directories of all jobs.
        launcher: Words for every sweep, such as `hydra/launcher=slurm`.
    """

    multirun: Path = Path("multirun")
    launcher: tuple[str, ...] = ()


def steps_of(study: Study, place: Place) -> list[Step]:
    """All steps in their order, done or not."""
    trainings = list(_trainings(study, place))
    steps = [_preparation(Path(file), command, study) for file, command in study.prepare.items()]
    steps += [step for step, _ in trainings]
    if study.score is not None and trainings:
        steps.append(_scoring([job for step, _ in trainings for job in step.jobs], study, place))
    if study.cost is not None and trainings:
        steps.append(_costs([job for _, words in trainings for job in _one_of_each_setting(words)], study, place))
    return steps + [_measuring(sweep, study, place) for sweep in study.measure]


def _preparation(file: Path, command: str, study: Study) -> Step:
    script, *words = command.removeprefix("python ").split()
    made = (Path(script).stem, *words)
    return Step("prepare", (file,), lambda _: [made], Path.is_file, minutes=study.minutes.get("prepare"))


def _trainings(study: Study, place: Place) -> Iterator[tuple[Step, dict[Path, tuple[str, ...]]]]:
    """A step for each sweep and data set, with the words of each of its directories."""
    for sweep in study.train:
        for dataset in sweep["dataset"].split(","):
            words = [f"{key}={value}" for key, value in {**sweep, "dataset": dataset}.items()]
            folder = place.multirun / dataset
            common = ("-m", *place.launcher, f"hydra.sweep.dir={folder}", SUBDIR, "resume=auto")
            common += () if any(word.startswith("logger=") for word in words) else ("logger=csv",)
            jobs = {folder / name: job for job, name in sweep_jobs(words, CONF / "train.yaml")}
            command = (TRAIN, *common, *words)
            step = Step("train", tuple(jobs), lambda _, command=command: [command], is_trained,  # type: ignore[misc]
                        minutes=study.minutes.get("train"), words=tuple(words))
            yield step, jobs


def _one_of_each_setting(jobs: dict[Path, tuple[str, ...]]) -> list[Path]:
    first: dict[tuple[str, ...], Path] = {}
    for folder, words in jobs.items():
        first.setdefault(tuple(word for word in words if not word.startswith("seed=")), folder)
    return list(first.values())


def _scoring(folders: Sequence[Path], study: Study, place: Place) -> Step:
    wanted = study.score or {}
    words = tuple(f"{key}={value}" for key, value in wanted.items())
    sweep = (*place.launcher, f"hydra.sweep.dir={place.multirun}")  # a score goes to its run; the sweep leaves one file

    def commands(some: Sequence[Path]) -> list[Command]:
        """One for each data set, whose judge and features are one command's."""
        by_data: dict[Path, list[Path]] = {}
        for run in some:
            by_data.setdefault(run.parent, []).append(run)
        return [(EVALUATE, "-m", *sweep, named("run", *members), *words) for members in by_data.values()]

    return Step("score", _distinct(folders), commands, lambda run: is_scored(run, wanted), is_trained,
                study.minutes.get("score"))


def _costs(folders: Sequence[Path], study: Study, place: Place) -> Step:
    words = tuple(f"{key}={value}" for key, value in (study.cost or {}).items())
    sweep = (*place.launcher, f"hydra.sweep.dir={place.multirun}", "hydra.sweep.subdir=.")
    return Step("cost", _distinct(folders), lambda runs: [(MEASURE, "-m", *sweep, named("run", *runs), *words)],
                is_measured, is_trained, study.minutes.get("cost"))


def _measuring(sweep: Words, study: Study, place: Place) -> Step:
    words = [f"{key}={value}" for key, value in sweep.items()]
    folder = place.multirun / "complexity"
    jobs = {folder / name: job for job, name in sweep_jobs(words, CONF / "complexity.yaml")}
    common = ("-m", *place.launcher, f"hydra.sweep.dir={folder}", SUBDIR)

    def commands(some: Sequence[Path]) -> list[Command]:
        if len(some) == len(jobs):
            return [(MEASURE, *common, *words)]
        return [(MEASURE, f"run_dir={job}", *jobs[job]) for job in some]  # a sweep would measure all again

    return Step("measure", tuple(jobs), commands, is_measured, minutes=study.minutes.get("measure"))


def _distinct(folders: Sequence[Path]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(folders))


# ---- what is done already


def is_trained(run: Path) -> bool:
    """Whether all epochs of a run are trained."""
    return Run(run).finished > 0


def is_scored(run: Path, words: Words) -> bool:
    """Whether a run has scores of its present weights, as the words of evaluate.py want them.

    Words that choose protocol, checkpoint and weights are compared with what stands beside the scores; others are not.
    Where all checkpoints were deleted since, to save space, the scores stay. Of a network without styles the word that
    chooses one says nothing.
    """
    file = run / scores_file(words)
    protocol = (_document(file) or {}).get("protocol")
    checkpoints = list((run / CHECKPOINTS).glob("*.ckpt"))
    if protocol is None or any(c.stat().st_mtime > file.stat().st_mtime for c in checkpoints):
        return False
    asked = {"name" if key == "protocol" else key.removeprefix("protocol."): yaml.safe_load(value)
             for key, value in words.items() if key == "protocol" or key.startswith("protocol.")}
    if (weights := words.get("weights", "auto")) != "auto":
        asked["weights"] = weights
    if "style" in protocol and protocol["style"] is None:
        asked.pop("style", None)
    return all(protocol.get(key) == value for key, value in asked.items()) and (
        not checkpoints or protocol.get("checkpoint", {}).get("file") in (None, _checkpoint(run, words)))


def _checkpoint(run: Path, words: Words) -> str | None:
    """Name of the checkpoint that the words of evaluate.py choose; None where it is not there."""
    try:
        return Run(run, words.get("checkpoint", "auto")).checkpoint.name
    except ConfigError:
        return None


def scores_file(words: Words) -> str:
    """Name of the scores in a run directory: scores.json, or as in `output=${run}/NAME`."""
    return Path(words.get("output", SCORES)).name


def is_measured(run: Path) -> bool:
    """Whether a directory holds a record of tools/complexity.py."""
    return _document(run / COMPLEXITY) is not None


def _document(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
