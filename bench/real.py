"""The training that users start: train.py from its loader, and the same within this process under the profiler."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Timer
from typing import Any

import pytorch_lightning as pl
from card import synchronize
from hot import Seen, recorder, seen
from hydra import compose, initialize_config_dir

from semsynth import config, runs
from semsynth.training import launch

ROOT = Path(__file__).parents[1]
QUIET = ["logger=csv", "scores=none", "trainer.limit_val_batches=0", "callbacks.panels=null",
         "data.precheck_seconds=0.0"]
LINE = re.compile(r"epoch (\d+)/\d+ +batch (\d+)/(\d+)")


def rate(overrides: Sequence[str], run_dir: Path, seconds: float, batches: int | None = None) -> tuple[float, float]:
    """Batches a second of ``python train.py`` once it runs, and seconds until its first line of progress.

    It is stopped after so many seconds; the first 40% of its progress are not counted.

    Raises:
        RuntimeError: it ended or was stopped before it told two places; with its last words.
    """
    command = [sys.executable, "train.py", *QUIET, "epochs=1000", "callbacks.progress.seconds=0.5",
               "callbacks.checkpoints=null", "callbacks.forecast=null", f"run_dir={run_dir}", *overrides]
    if batches is not None:
        command += ["epochs=1", f"trainer.limit_train_batches={batches}", "callbacks.progress.seconds=0"]
    began, told, words = time.monotonic(), [], [""]
    process = subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    timer = Timer(seconds, process.terminate)
    killer = Timer(seconds + 20, process.kill)
    timer.start(), killer.start()
    try:
        for line in process.stdout or ():
            words.append(line.strip())
            if match := LINE.search(line):
                epoch, batch, per_epoch = map(int, match.groups())
                told.append((time.monotonic() - began, (epoch - 1) * per_epoch + batch))
    finally:
        timer.cancel(), killer.cancel()
        process.kill()
        process.wait()
    if len(told) < 2:
        raise RuntimeError(f"train.py told too little in {seconds:.0f} s: {' / '.join(words[-3:])}")
    first, last = told[0], told[-1]
    start = next(place for place in told if place[0] >= first[0] + 0.4 * (last[0] - first[0]) or place is told[-2])
    return (last[1] - start[1]) / (last[0] - start[0]), first[0]


class Watch(pl.Callback):
    """Lets some batches pass, then times some, then records some, then stops the training.

    Args:
        warm: Batches that pass.
        timed: Batches whose time is taken.
        recorded: Batches that the profiler sees.
    """

    def __init__(self, warm: int, timed: int, recorded: int) -> None:
        self.places = (warm, warm + timed, warm + timed + recorded)
        self.milliseconds, self.seen = 0.0, Seen()
        self._start, self._batches, self._recorder = 0.0, 0, recorder()

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any,
                             batch_idx: int) -> None:
        """Begin, change over or end where a batch begins, so that waiting for it counts to the one before."""
        warm, timed, recorded = self.places
        if self._batches in self.places:
            synchronize()
        if self._batches == warm:
            self._start = time.perf_counter()
        elif self._batches == timed:
            self.milliseconds = (time.perf_counter() - self._start) * 1e3 / (timed - warm)
            self._recorder.start()
        elif self._batches == recorded:
            self._recorder.stop()
            self.seen = seen(self._recorder, recorded - timed)
            trainer.should_stop = True
        self._batches += 1


def watched(overrides: Sequence[str], run_dir: Path, watch: Watch) -> Watch:
    """A training by configuration within this process, until ``watch`` has seen enough."""
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = config.prepare(compose("train", [
            *QUIET, "epochs=1", "callbacks.progress=null", "callbacks.checkpoints=null", "callbacks.forecast=null",
            "+trainer.enable_progress_bar=false", "+trainer.min_epochs=0", f"run_dir={run_dir}", *overrides]))
    trainer, system, data = runs.build(cfg)
    trainer.callbacks.append(watch)
    launch.fit(trainer, system, data, None)
    if not watch.seen.kernels:
        raise RuntimeError("the training ended before enough was seen of it")
    return watch
