"""Running a trainer so that every way it can end has a clear message."""

import os
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytorch_lightning as pl
import torch
import torch.distributed
from pytorch_lightning.utilities import rank_zero_only

from semsynth import machine
from semsynth.errors import DataError, NonFiniteError, TrainingStopped, WritingError
from semsynth.matmul import chosen, matmul_precision
from semsynth.spelling import as_typed_here, named, resume_command, typed
from semsynth.training.finite_checks import memory_advice, out_of_memory
from semsynth.training.panels import latest_grid
from semsynth.training.preemption import Preempted
from semsynth.training.rejoining import SameStart, rejoin
from semsynth.training.scores import Scores
from semsynth.training.system import Batches, System
from semsynth.training.undeclared import callbacks, fast_dev_run
from semsynth.training.wandb_run import finish_wandb

AFTER = 1.0  # seconds that the first process has for words that all would say
# What Lightning leaves in the environment when it starts the processes of one node.
PROCESS_VARIABLES = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "LOCAL_RANK", "WORLD_SIZE")


def fit(trainer: pl.Trainer, system: System, data: pl.LightningDataModule, checkpoint: Path | None,
        matmul: str = "highest") -> None:
    """Train, from the beginning or from a checkpoint. Leaves the process as it was, so that a sweep can go on in it.

    Args:
        trainer: The trainer.
        system: The networks and how they are trained, see `semsynth.training.system.System`.
        data: The loaders; `Batches` where advice about memory is wanted.
        checkpoint: Where to continue; None: from the beginning.
        matmul: Precision of float32 matrix products, see `semsynth.matmul`.

    Raises:
        TrainingStopped: a loss or a gradient is not finite, or memory ran out.
        Preempted: a signal stopped it; `last.ckpt` is written.
    """
    environment = {name: os.environ.get(name) for name in PROCESS_VARIABLES}
    precision = chosen(matmul, trainer.strategy.root_device.type)
    if precision != "highest" and trainer.is_global_zero:
        print(f"products of float32 matrices: matmul={precision}", flush=True)
    try:
        with matmul_precision(precision), warnings.catch_warnings():
            # Lightning 2.6 causes this one in itself with current PyTorch.
            warnings.filterwarnings("ignore", message=r".*LeafSpec.*", category=FutureWarning)
            # LogEveryEpoch lowers it
            warnings.filterwarnings("ignore", message=r".*is smaller than the logging interval.*")
            # a frozen segmenter in the loop stays in evaluation mode
            warnings.filterwarnings("ignore", message=r".*module\(s\) in eval mode at the start of training.*")
            rejoin(trainer)
            trainer.callbacks.append(SameStart(checkpoint))  # type: ignore[attr-defined]
            trainer.fit(system, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error) or not isinstance(data, Batches):
            raise
        checkpointing = bool(getattr(system.generator, "checkpointing", False))
        advice = memory_advice(data.batch, system.accumulate, str(trainer.precision), checkpointing,
                               trainer.world_size)
        raise TrainingStopped(f"{advice}\n({next(iter(str(error).splitlines()), 'MemoryError')})") from error
    finally:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        for name, value in environment.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def finished(trainer: pl.Trainer, epochs: int) -> bool:
    """Whether all epochs were trained to their ends; `trainer.max_time` and other early stops leave some to train."""
    last_batch = trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
    return trainer.current_epoch >= epochs and last_batch and not fast_dev_run(trainer)


def report(trainer: pl.Trainer, grids: Path) -> None:
    """Close the loggers; print the scores, how to train epochs that are left, the newest grid, how to draw a map."""
    finish_wandb()
    if trainer.is_global_zero:
        if not fast_dev_run(trainer) and not finished(trainer, trainer.max_epochs or 0):
            print(f"Ended in epoch {trainer.current_epoch} of {trainer.max_epochs}; go on with: "
                  f"{resume_command(grids.parent)}")
        for callback in callbacks(trainer):
            if isinstance(callback, Scores) and callback.latest:
                print(*callback.lines(), sep="\n")
        grid = latest_grid(grids)
        print(grid if grid is not None else f"{grids.parent} (no validation ran, so there is no grid)", flush=True)
        drawn = typed(["synthesize", named("run", grids.parent), "input=MAP.png", "output=FOLDER", "snap=true"])
        print(f"draw your own label map, painted in the colours of the grid's legend:\n  {drawn}", flush=True)


@contextmanager
def report_failures(run_dir: str, reraise: bool = False) -> Iterator[None]:
    """Turn the ways in which training ends early into a message and an exit code.

    Args:
        run_dir: The run directory.
        reraise: Let faults pass as exceptions with all these words, so that the other jobs of a sweep go on.
    """
    try:
        with _faults_in_words():
            yield
    except Preempted as stop:
        finish_wandb()
        way_on = "Slurm will start it again" if stop.requeued else f"continue with: {resume_command(run_dir)}"
        _say(f"Stopped by {signal.Signals(stop.signum).name} after writing last.ckpt; {way_on}")
        # The first process would take another code of the others for a crash.
        sys.exit(128 + stop.signum if getattr(rank_zero_only, "rank", 0) == 0 and not stop.requeued else 0)
    except (TrainingStopped, DataError, WritingError) as fault:
        finish_wandb(failed=True)
        last = Path(run_dir) / "checkpoints" / "last.ckpt"
        kept = f"\nThe last checkpoint before it: {last}" if last.is_file() else ""
        if isinstance(fault, TrainingStopped) and not kept:
            kept = "\nThere is no checkpoint yet, so nothing of this run can be continued."
        # A loader's worker sends its whole traceback as the message; the words stand at its end.
        words = str(fault).rpartition("DataError: ")[2].rstrip()
        if isinstance(fault, WritingError) and last.is_file():
            kept += f"; then continue with: {resume_command(run_dir)}"
        if reraise:
            raise type(fault)(f"{words}{kept}") from fault
        of_all = isinstance(fault, NonFiniteError) or words == machine.ENDED
        _say(f"{words}{kept}", by_others=not of_all)
        sys.exit(2 if isinstance(fault, DataError) else 1)
    except BaseException:
        finish_wandb(failed=True)  # else the next job of a sweep would write into this one's run
        raise


@contextmanager
def _faults_in_words() -> Iterator[None]:
    """What the machine lacks stops a training, in words; so does a fault that another error covers.

    Lightning and torch take down what there is of their loops and loaders, and fail where there is none yet.
    """
    try:
        yield
    except Exception as error:
        covered = covered_by(error)
        if covered is None or covered is error:
            raise
        raise covered from None


def covered_by(error: BaseException) -> BaseException | None:
    """What ended a training, where an error came of it: a stop, a fault of this package or, in words, of the machine.

    Lightning and torch take down what there is of their loops and loaders, and fail where there is none yet.

    Args:
        error: As it was raised.

    Returns:
        The first of it and of the errors behind it that says what happened; None where none does.
    """
    seen: BaseException | None = error
    while seen is not None:
        if not isinstance(seen, Exception) or type(seen).__module__.startswith("semsynth."):
            return seen
        if (words := machine.in_words(seen)) is not None:
            return TrainingStopped(words)
        seen = machine.behind(seen)
    return None


def _say(message: str, by_others: bool = False) -> None:
    """Say it as the first process; as another one, where it may be alone with it, when torchrun has not ended it."""
    rank = getattr(rank_zero_only, "rank", 0)
    if rank == 0 or by_others:
        time.sleep(AFTER if rank else 0.0)
        whose = f"process {rank}: " if rank else ""
        print(as_typed_here(f"{whose}{message}"), file=sys.stderr, flush=True)
