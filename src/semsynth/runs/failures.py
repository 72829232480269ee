"""Why a job of a sweep failed, kept beside its directory: of a job that fails at once there is none."""

from contextlib import suppress
from pathlib import Path

from semsynth.weights.files import write_text

FOLDER = ".failed"  # in that of the sweep
LONGEST = 4000  # characters


def note_failure(run_dir: Path, words: str) -> None:
    """Keep why the job of a run directory failed; of several processes the first that does says it."""
    if not _place(run_dir).exists():
        write_text(_place(run_dir), f"{words[:LONGEST]}\n")


def forget_failure(run_dir: Path) -> None:
    """Its job begins again."""
    with suppress(FileNotFoundError):
        _place(run_dir).unlink()


def failure(run_dir: Path) -> str | None:
    """Why its job failed; None where it did not."""
    try:
        with _place(run_dir).open(encoding="utf-8", errors="replace") as file:
            return file.read(LONGEST).strip()
    except OSError:
        return None


def failed_jobs(sweep: Path) -> list[str]:
    """The names of the jobs of a sweep's directory that have failed."""
    return [path.stem for path in (sweep / FOLDER).glob("*.txt")]


def _place(run_dir: Path) -> Path:
    return run_dir.parent / FOLDER / f"{run_dir.name}.txt"
