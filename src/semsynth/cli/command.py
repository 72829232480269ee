"""One way into every command: arguments as they are typed, Hydra, and errors in words with an exit code."""

import functools
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.errors import HydraException, InstantiationException
from omegaconf import DictConfig
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from semsynth.cli.help import describe, drop_unused
from semsynth.cli.suggestions import check_choices, suggest
from semsynth.cli.typed import as_overrides, asks_for_help
from semsynth.runs import in_sweep
from semsynth.spelling import as_typed_here

# Waiting OpenMP threads spin for about 0.1 ms, then sleep: endless spinning, the default, nearly doubles the CPU time
# on a busy machine, and sleeping at once costs an idle one a third. Must stand before torch is imported.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

REFUSED = 2  # exit code where words say what to change; 1: it failed, or found faults
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
        if called or not isinstance(error, HydraException | OmegaConfBaseException | ValueError):
            raise error.with_traceback(own_frames or error.__traceback__) from error.__cause__
        print("\n".join(suggest(overrides, path)) or error, file=sys.stderr)
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
    print(as_typed_here(str(in_words(error, example))), file=sys.stderr, flush=True)


def in_words(error: BaseException, example: str = "") -> str | None:
    """What to tell whoever typed the command; None for an error that is not meant for them.

    The exception classes of this package are made to be read, and only they.

    Args:
        error: The exception.
        example: How the command is typed, for a value that is missing.
    """
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key}= is missing: {example}"
    if isinstance(error, InstantiationException) and error.__cause__ is not None:
        return in_words(error.__cause__, example)
    if not type(error).__module__.startswith("semsynth."):
        return None
    if "Traceback" not in str(error):
        return str(error)
    # A loader's worker sends its whole traceback as the message; the words stand at its end.
    return str(error).rpartition(f"{type(error).__name__}: ")[2].rstrip()


def _set(name: str, value: str | None) -> None:
    os.environ.pop(name, None)
    if value is not None:
        os.environ[name] = value
