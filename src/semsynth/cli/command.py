"""One way into every command: arguments as they are typed, Hydra, and errors in words with an exit code."""

import functools
import io
import os
import re
import signal
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hydra
import yaml
from hydra.errors import HydraException, InstantiationException, MissingConfigException
from omegaconf import DictConfig
from omegaconf.errors import (
    InterpolationResolutionError,
    MissingMandatoryValue,
    OmegaConfBaseException,
    UnsupportedInterpolationType,
)

from semsynth import machine
from semsynth.cli.following import missing_choice
from semsynth.cli.help import describe, drop_unused
from semsynth.cli.suggestions import check_choices, instead_of_sweeps, suggest
from semsynth.cli.typed import as_overrides, asks_for_help
from semsynth.config.keys import check_kinds
from semsynth.errors import ToldElsewhere
from semsynth.runs import in_sweep
from semsynth.spelling import as_typed_here

# Waiting OpenMP threads spin for about 0.1 ms, then sleep: endless spinning, the default, nearly doubles the CPU time
# on a busy machine, and sleeping at once costs an idle one a third. Must stand before torch is imported.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

REFUSED = 2  # exit code where words say what to change; 1: it failed, or found faults
AFTER = 1.0  # seconds that another process has for its words: torchrun ends all when one has ended
WHOLE_ERRORS = "HYDRA_FULL_ERROR"


def command(
    file: str | Path,
    *,
    arguments: Callable[[Sequence[str]], list[str]] = list,
    instead: Callable[[list[str]], bool] = lambda _: False,
) -> Callable[[Callable[[DictConfig], Any]], Callable[..., None]]:
    """Make a command of a function that takes a configuration, and may return a number for a sweep to optimize.

    The command takes its arguments, or those that the process was started with. `--help` prints the docstring of the
    function's module and its keys. Errors of this package, and of Hydra before the function is called, are printed
    without a traceback and end with code 2; in a sweep the other jobs go on first.

    Args:
        file: The command's file in conf/.
        arguments: Completes the command line: what is typed -> what is meant, before Hydra reads it.
        instead: Called with the arguments first, also with those that ask for help; returns True where it did all
            that was asked, without Hydra.
    """
    path = Path(file).resolve()

    def decorate(function: Callable[[DictConfig], Any]) -> Callable[..., None]:
        about = str(function.__globals__["__doc__"] or "")
        example = next(iter(re.findall(r"python \S+\.py (?:(?!  ).)*", about)), "")

        @functools.wraps(function)
        def main(given: Sequence[str] | None = None) -> None:
            _print_any_name()
            if "SLURM_JOB_ID" not in os.environ:  # Lightning means the processes of an allocation; here is none
                warnings.filterwarnings("ignore", "The `srun` command is available on your system but is not used")
            try:
                typed = sys.argv[1:] if given is None else list(given)
                if instead(typed):
                    return None
                if asks_for_help(typed):
                    return print(as_typed_here(describe(path, about, as_overrides(arguments(typed), path))))
                overrides = as_overrides(arguments(typed), path)
                check_choices(overrides, path)
                _compose_and_call(function, path, overrides, example)
            except Exception as error:
                _refuse(error, example)
            except KeyboardInterrupt:
                print("stopped", file=sys.stderr, flush=True)
                sys.exit(128 + signal.SIGINT)

        return main

    return decorate


def _compose_and_call(function: Callable[[DictConfig], Any], path: Path, overrides: list[str], example: str) -> None:
    """Hand the overrides to Hydra, which calls the function with what they compose to, once for each job of a sweep."""
    called, own_frames, started = False, None, sys.argv
    whole = os.environ.get(WHOLE_ERRORS)

    @functools.wraps(function)
    def task(cfg: DictConfig) -> Any:
        nonlocal called, own_frames
        called = True
        sys.argv = started  # the processes that a trainer starts are started as this one was
        drop_unused(cfg, path)
        try:
            check_kinds(cfg, path.stem)
            return function(cfg)
        except Exception as error:
            if in_sweep() and in_words(error, example) is not None:
                _say(error, example)
                raise
            own_frames = error.__traceback__  # without Hydra's
            _refuse(error, example)

    sys.argv = [started[0], *overrides]  # where Hydra reads them
    os.environ[WHOLE_ERRORS] = "1"  # Hydra then raises errors instead of printing them
    try:
        hydra.main(version_base="1.3", config_path=str(path.parent), config_name=path.stem)(task)()
    except Exception as error:
        if called and in_words(error) is not None:
            sys.exit(1)  # of a sweep whose jobs have run; each said for itself what was wrong
        if not called and type(error).__module__.startswith(("semsynth.", "submitit.")):
            print(as_typed_here(str(error)), file=sys.stderr, flush=True)
            sys.exit(1)  # of a job of a sweep that ran elsewhere
        if isinstance(error, yaml.MarkedYAMLError) and not called:
            mark = error.problem_mark or error.context_mark
            place = f"{mark.name}, line {mark.line + 1}" if mark else "a file of choices"
            print(f"{place}: it is no YAML ({error.problem})", file=sys.stderr)
            sys.exit(REFUSED)
        if called or not isinstance(error, HydraException | OmegaConfBaseException | ValueError):
            raise error.with_traceback(own_frames or error.__traceback__) from error.__cause__
        lines = instead_of_sweeps(overrides, path) if str(error).startswith("Ambiguous value") else []
        print("\n".join(lines + suggest(overrides, path)) or in_words(error) or error, file=sys.stderr)
        sys.exit(REFUSED)
    finally:
        sys.argv = started
        _set(WHOLE_ERRORS, whole)


def _refuse(error: Exception, example: str) -> None:
    """End with the error's words; pass on an error that has none.

    Raises:
        SystemExit: with code 2.
    """
    if in_words(error) is None:
        raise error
    _say(error, example)
    sys.exit(REFUSED)


def _say(error: Exception, example: str) -> None:
    if isinstance(error, ToldElsewhere):
        return time.sleep(AFTER)
    print(as_typed_here(str(in_words(error, example))), file=sys.stderr, flush=True)


def in_words(error: BaseException, example: str = "") -> str | None:
    """What to tell whoever typed the command; None for an error that is not meant for them.

    The exception classes of this package are made to be read, and only they; Hydra's for a choice is worded anew.

    Args:
        error: The exception.
        example: How the command is typed, for a value that is missing.
    """
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key}= is missing: {example}"
    if isinstance(error, InstantiationException) and error.__cause__ is not None:
        words = in_words(error.__cause__, example)
        if words is None and isinstance(error.__cause__, ValueError):  # what a constructor says of its arguments
            where = re.search(r"full_key: (\S+)", str(error))
            words = f"{where[1]}: {error.__cause__}" if where else str(error.__cause__)
        return words
    if isinstance(error, MissingConfigException):
        return missing_choice(error)
    if isinstance(error, InterpolationResolutionError | UnsupportedInterpolationType):
        return f"{error.full_key}: {str(error).splitlines()[0]}"  # a value that refers to what there is not
    if not type(error).__module__.startswith("semsynth."):
        return machine.in_words(error)
    if "Traceback" not in str(error):
        return str(error)
    # A loader's worker sends its whole traceback as the message; the words stand at its end.
    return str(error).rpartition(f"{type(error).__name__}: ")[2].rstrip()


def _print_any_name() -> None:
    """Let names of files that are no text be printed, with their bytes as numbers, as Python's errors have them."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _set(name: str, value: str | None) -> None:
    os.environ.pop(name, None)
    if value is not None:
        os.environ[name] = value
