"""`make mutants`: breaks the modules one place at a time and tells what no test sees; started again, it goes on."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult
from mutants.drawing import Place, draw
from mutants.explained import explanation
from mutants.running import Ending, preload, run
from mutants.subjects import ROOT, SOURCE, SUBJECTS, arguments_for


def parsed(words: list[str]) -> argparse.Namespace:
    """The words of the command."""
    parser = argparse.ArgumentParser(prog="make mutants ARGS=...", description=__doc__,
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--sample", type=int, default=300, metavar="N", help="mutants to draw")
    parser.add_argument("--seed", type=int, default=17, help="of the draw")
    parser.add_argument("--only", default="*", metavar="GLOB", help="modules by their paths, as in 'losses/*'")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no further mutant after this time")
    parser.add_argument("--limit", type=float, default=120.0, metavar="S", help="processor seconds for the tests of a "
                        "mutant")
    parser.add_argument("--session", type=Path, default=ROOT / "mutants.sqlite", help="where the results are kept, "
                        "which `cr-report` and `cr-html` read too")
    parser.add_argument("--again", action="store_true", help="run the survivors again that are not explained, as after "
                        "a new test")
    parser.add_argument("--trusted", action="store_true", help="run the tests of the first module alone as it is, "
                        "not of each: all of them have just passed")
    parser.add_argument("--least", type=float, default=1.0, metavar="SHARE", help="end with code 1 if a smaller share "
                        "is killed or explained")
    parser.add_argument("--report", action="store_true", help="run nothing, print what is known")
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    """Run the command; 1 where too many survivors are not explained."""
    args, begun = parsed(words), time.monotonic()
    places = [place for place in draw(SUBJECTS, args.sample, args.seed) if fnmatch(place.module, args.only)]
    session = WorkDB(args.session, WorkDB.Mode.create)
    known = {item.job_id for item in session.work_items}
    session.add_work_items(place.item for place in places if place.item.job_id not in known)
    results = _known(session, places)
    todo = [p for p in places if p.item.job_id not in results
            or (args.again and not results[p.item.job_id].is_killed and explanation(p.change()) is None)]
    if todo and not args.report:
        preload()
        with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
            _run(todo, session, Path(scratch), args, lambda: (time.monotonic() - begun) / 60 > args.minutes)
    return _report(places, _known(session, places), args.least)


def _known(session: WorkDB, places: list[Place]) -> dict[str, WorkResult]:
    """The results of mutants that still are what was run."""
    kept = dict(session.results)
    return {place.item.job_id: kept[place.item.job_id] for place in places if place.item.job_id in kept
            and kept[place.item.job_id].diff == "\n".join(place.change().lines)}


def _run(places: list[Place], session: WorkDB, scratch: Path, args: argparse.Namespace,
         late: Callable[[], bool]) -> None:
    # of those that are trusted the first are run all the same: where none can run here, all mutants would seem killed
    sound = set(SUBJECTS) - {places[0].module} if args.trusted else set[str]()
    for number, place in enumerate(places, 1):
        if late():
            print(f"time is up: {len(places) - number + 1} mutants are left for the next call")
            return
        if place.module not in sound:  # a test that fails anyway would kill all
            ending = run(arguments_for(place.module), scratch, limit=args.limit)
            if not ending.survived:
                raise SystemExit(f"the tests of {place.module} fail as it is (code {ending.code}):\n{ending.output}")
            sound.add(place.module)
        ending, outcome = tried(place, scratch, args.limit)
        session.set_result(place.item.job_id, WorkResult(
            worker_outcome=WorkerOutcome.NORMAL, test_outcome=outcome, output=ending.output[-4000:],
            diff="\n".join(place.change().lines)))
        print(f"{number}/{len(places)} {outcome.value} in {ending.seconds:.0f} s: {place.module}", flush=True)


def tried(place: Place, scratch: Path, limit: float) -> tuple[Ending, TestOutcome]:
    """Run the tests of a module that has been changed at a place.

    Raises:
        RuntimeError: pytest found no tests.
    """
    name = ".".join(("semsynth", *Path(place.module).with_suffix("").parts))
    ending = run(arguments_for(place.module), scratch, limit=limit,
                 module=(name, SOURCE / place.module, place.change().after))
    if ending.code == 5 or (ending.code == 4 and "not found" in ending.output):  # 4 also: conftest.py does not import
        raise RuntimeError(f"the tests of {place.module} were not found:\n{ending.output}")
    return ending, TestOutcome.SURVIVED if ending.survived else TestOutcome.KILLED


def _report(places: list[Place], results: dict[str, WorkResult], least: float) -> int:
    run_ = [(place, results[place.item.job_id]) for place in places if place.item.job_id in results]
    survivors = [(place, explanation(place.change())) for place, result in run_ if not result.is_killed]
    for place, reason in survivors:
        print(f"\nsurvived: {place.module}:{place.start[0]} {place.operator}", *place.change().lines,
              f"explained: {reason}" if reason else "NOT EXPLAINED", sep="\n  ")
    equivalent = sum(reason is not None for _, reason in survivors)
    killed = len(run_) - len(survivors)
    print(f"\n{len(run_)} of {len(places)} mutants run: {killed} killed"
          + (f" ({killed / len(run_):.1%})" if run_ else "")
          + f", {equivalent} survivors explained in docs/mutants.md, {len(survivors) - equivalent} not")
    return int(killed + equivalent < least * len(run_))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # which ends the tests as well
    sys.exit(main(sys.argv[1:]))
