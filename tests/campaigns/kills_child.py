"""A small training in a process of its own, which says where it is, so that it can be killed there."""

import importlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import torch

ROOT = Path(__file__).parents[2]
STEP = "step"
# Where a training can be killed: a word, the module, and the function in it whose calls are counted.
PLACES = {
    "start": ("semsynth.runs.training", "open_run"),
    "resume": ("semsynth.training.resume", "ContinueEpoch.on_train_start"),
    STEP: ("semsynth.training.paired", "PairedSystem.training_step"),
    "average": ("semsynth.training.ema", "EMA.on_train_batch_end"),
    "checkpoint": ("semsynth.training.checkpoints", "write_with"),
    "recalibration": ("semsynth.training.ema", "EMA.on_save_checkpoint"),
    "evaluation": ("semsynth.training.scores", "Scores.on_validation_epoch_end"),
    "grid": ("semsynth.training.panels", "Panels.on_validation_end"),
    "row": ("semsynth.training.csv_metrics", "CsvMetrics.log_metrics"),
    "rewrite": ("semsynth.training.csv_metrics", "write_text"),
    "end": ("semsynth.runs.training", "Run.finish"),
}


class Trap(NamedTuple):
    """Where a training shall be killed: in which call of a place, and how many seconds after its beginning."""

    place: str
    call: int
    delay: float
    signum: int


def prepare() -> None:
    """Import everything that a training imports, so that a forked one begins at once."""
    torch.set_num_threads(1)
    sys.argv[:] = [str(ROOT / "train.py")]
    os.chdir(ROOT)
    for module in ("semsynth.commands.train", "semsynth.metrics.data_sets", "semsynth.training.launch", "matplotlib",
                   "semsynth.evaluation.validation", "semsynth.training.seeding", "semsynth.generators.spade",
                   "semsynth.training.tensorboard", *(module for module, _ in PLACES.values())):
        with suppress(ImportError):
            importlib.import_module(module)


def start(words: Sequence[str], output: Path, steps: Path, trap: Trap | None = None, timed: bool = False
          ) -> tuple[int, int]:
    """Fork a training; return its process, and a pipe on which it says where it is.

    Args:
        words: Its command line.
        output: Gets what it prints, after what is there.
        steps: Gets a character for each finished training step.
        trap: The pipe says `here` when it is reached.
        timed: The pipe says `PLACE SECONDS` after each call.
    """
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        return child, read
    code = 1
    try:
        os.close(read)
        os.setsid()
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, 1)
        os.dup2(file, 2)
        _watch(trap, timed, write, os.open(steps, os.O_WRONLY | os.O_CREAT | os.O_APPEND))
        from semsynth.commands.train import main

        main(list(words))
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _watch(trap: Trap | None, timed: bool, pipe: int, steps: int) -> None:
    calls: dict[str, int] = {}

    def counted(place: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*given: Any, **named: Any) -> Any:
            calls[place] = calls.get(place, 0) + 1
            if trap is not None and (place, calls[place]) == (trap.place, trap.call):
                os.write(pipe, b"here\n")
            began = time.monotonic()
            result = function(*given, **named)
            if timed:
                os.write(pipe, f"{place} {time.monotonic() - began:.4f}\n".encode())
            if place == STEP:
                os.write(steps, b".")
            return result

        return call

    for place, (module, name) in PLACES.items():
        *owner, last = name.split(".")
        holder: Any = importlib.import_module(module)
        for part in owner:
            holder = getattr(holder, part)
        setattr(holder, last, counted(place, getattr(holder, last)))
