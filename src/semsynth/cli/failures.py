"""What a sweep leaves of its jobs that fail."""

from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig

from semsynth.runs.ddp import is_first_process
from semsynth.runs.failures import forget_failure, note_failure


class NoteFailures(Callback):
    """Keep for `tools/report.py status=DIR` why a job of a sweep failed, until it begins again."""

    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        """It begins."""
        if config.hydra.mode == RunMode.MULTIRUN and is_first_process():  # others may begin when it has failed
            forget_failure(_run_dir(config))

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:
        """It has ended."""
        if config.hydra.mode == RunMode.MULTIRUN and job_return.status == JobStatus.FAILED:
            error = job_return._return_value  # the property without the underscore raises it, with a line on stderr
            own = type(error).__module__.startswith("semsynth.")
            note_failure(_run_dir(config), str(error) if own else f"{type(error).__name__}: {error}")


def _run_dir(config: DictConfig) -> Path:
    return Path(config.hydra.runtime.output_dir)
