"""Performing studies: steps in order, then what the jobs have left becomes a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from semsynth.complexity import record
from semsynth.errors import ReportError, StudyError
from semsynth.papers.pace import Pace
from semsynth.papers.page import write_index, write_page
from semsynth.papers.processes import call
from semsynth.papers.request import Request
from semsynth.papers.results import Output, Results, Section
from semsynth.papers.running import do_steps, missing, plan
from semsynth.papers.steps import TRAIN, Command, Place, Step, scores_file, steps_of
from semsynth.papers.study import Study
from semsynth.reporting.collect import read_runs
from semsynth.spelling import typed
from semsynth.weights.files import write_text

JOBS, SMALL_JOBS = Path("multirun"), Path("multirun/small")
PROBE = ".writable"


def perform(request: Request, build: Callable[[Any], Output], run: Callable[[Command], int] = call,
            rehearse: Callable[[Sequence[str]], None] = lambda words: None) -> bool:
    """Run the studies and write their pages, or show what would be done; return whether all is complete.

    Args:
        request: What is asked for.
        build: Builds an output from its node.
        run: Runs a command and returns its exit code.
        rehearse: Raises an error of this package where the trainings of these words could not start.

    Raises:
        StudyError: no training of a study could start; nothing was begun.
        WritingError: pages or jobs cannot be written where they shall lie.
    """
    place = Place(SMALL_JOBS if request.small else JOBS, request.launcher)
    if request.show:
        print(*(plan(study, place) for study in request.studies), sep="\n\n")
        return True
    outputs = [[build(node) for node in study.output] for study in request.studies]  # before any work could be lost
    steps = [steps_of(study, place) for study in request.studies]
    if not request.launcher:  # the machines of a cluster may hold what this one does not
        steps = [what_can_start(study, its, rehearse) for study, its in zip(request.studies, steps, strict=True)]
    for folder in (request.folder, place.multirun):  # before hours are spent
        write_text(folder / PROBE, "").unlink()
    pace, complete = Pace(), True
    for index, study in enumerate(request.studies):
        print(f"== {index + 1} of {len(request.studies)}: {study.name}, {study.title}", flush=True)
        do_steps(steps[index], [step for later in steps[index + 1:] for step in later], pace, run)
        complete &= finish(study, outputs[index], steps[index], request)
    return complete


def what_can_start(study: Study, steps: Sequence[Step], rehearse: Callable[[Sequence[str]], None]) -> list[Step]:
    """Try the beginning of every sweep that is not trained yet, before hours are spent on the others; tell what fails.

    A study that still has files to make is not tried: its trainings may need them.

    Returns:
        The steps; a sweep that could not start is not ready.

    Raises:
        StudyError: no sweep is trained or could start; with a paragraph for each reason.
    """
    if any(step.pending() for step in steps if step.kind == "prepare"):
        return list(steps)
    sweeps = [step for step in steps if step.kind == "train"]
    refused: dict[str, list[Step]] = {}  # what is said -> the sweeps of which it is said
    for step in [step for step in sweeps if step.pending()]:
        try:
            rehearse(step.words)
        except ValueError as error:
            refused.setdefault(str(error), []).append(step)
    not_ready = [step for some in refused.values() for step in some]
    reasons = ["\n".join([*(typed((TRAIN, *step.words)) for step in some), said]) for said, some in refused.items()]
    if refused and len(not_ready) == len(sweeps):
        raise StudyError("\n\n".join([f"{study.name}: nothing was begun, for no training could start", *reasons,
                                      _all_that_is_needed(not_ready)]))
    for reason in reasons:
        print(f"-- {study.name}: this cannot start and is passed over, the others go on\n{reason}", flush=True)
    refused_ones = {id(step) for step in not_ready}
    return [replace(step, ready=lambda job: False) if id(step) in refused_ones else step for step in steps]


def _all_that_is_needed(steps: Sequence[Step]) -> str:
    """Where one reads what is missing besides: a training tells one thing at a time, and nothing of its scores."""
    datasets = dict.fromkeys(word.partition("=")[2] for step in steps for word in step.words
                             if word.startswith("dataset="))
    commands = " and ".join(f"`{typed(('weights', f'dataset={dataset}'))}`" for dataset in datasets)
    return (f"More may be missing than is told: {commands} list the weights of training and of scores and what goes "
            "without them; data sets lie as README says below Data")


def finish(study: Study, outputs: Sequence[Output], steps: Sequence[Step], request: Request) -> bool:
    """Write the page and the index, and say where; return whether nothing is missing."""
    folder, small = request.folder, request.small
    folder.mkdir(parents=True, exist_ok=True)
    lacking = [str(job) for job in missing(steps)]
    sections: list[Section] = []
    try:
        results = gather(study, steps, folder, small)
        for output in outputs:
            try:
                sections += output(results)
            except ReportError as error:
                lacking.append(str(error))
    except ReportError as error:
        lacking.append(str(error))
    page = write_page(study, steps, sections, lacking, folder, request.command(study), small, bool(request.words))
    write_index(folder)
    for line in lacking:
        print(f"missing: {line}", flush=True)
    print(f"page: {page}", flush=True)
    return not lacking


def gather(study: Study, steps: Sequence[Step], folder: Path, small: bool) -> Results:
    """Read what the jobs have left, as far as they are done.

    Raises:
        ReportError: a file is broken; names it.
    """
    def done(kind: str) -> list[Path]:
        return list(dict.fromkeys(job for step in steps if step.kind == kind for job in step.jobs if step.done(job)))

    try:
        records = tuple(record.load(job / record.RECORD) for job in done("measure"))
    except ValueError as error:
        raise ReportError(str(error)) from error
    others = {job for step in steps if step.kind == "score" for job in step.pending()}  # of other weights or protocols
    trained = [replace(run, scores=None) if run.directory in others else run
               for run in read_runs(done("train"), scores_file(study.score or {}))]
    return Results(study.name, tuple(trained), records, folder, small)
