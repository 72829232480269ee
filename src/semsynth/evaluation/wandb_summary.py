"""Scores of a run in the summary of its W&B run."""

from __future__ import annotations

from pathlib import Path

from semsynth.errors import EvaluationError
from semsynth.evaluation.report import Document
from semsynth.training import wandb_run

PREFIX = "evaluation"  # score/ is what was measured while it was trained, of fewer samples


def find_wandb(run_dir: str | Path | None) -> dict[str, str | None]:
    """Id, project and entity of the W&B run of a run directory.

    Raises:
        EvaluationError: it has none, or there is no run.
        LoggerError: what it notes of it is damaged.
    """
    if run_dir is None:
        raise EvaluationError("wandb=true writes to the W&B run of run=DIR; images=DIR have none")
    path = Path(run_dir) / wandb_run.FILE
    if not path.is_file():
        raise EvaluationError(f"wandb=true: {run_dir} was not trained with logger=wandb (there is no {wandb_run.FILE})")
    return wandb_run.noted(path)


def add_to_summary(run_dir: str | Path, document: Document) -> str:
    """Write scores to the summary of the run's W&B run, as `evaluation/KEY`; return its address.

    Args:
        run_dir: The run directory.
        document: The content of scores.json.

    Raises:
        EvaluationError: wandb is missing, or the server refuses or knows no such run; says what to do.
    """
    known = find_wandb(run_dir)
    try:
        import wandb
    except ImportError as error:
        raise EvaluationError("wandb=true needs wandb: pip install wandb") from error
    try:
        api = wandb.Api()
        run = api.run("/".join(str(word) for word in (known["entity"] or api.default_entity, known["project"],
                                                      known["id"])))
        run.summary.update({f"{PREFIX}/{key}": value for key, value in document["scores"].items()}
                           | {f"{PREFIX}/protocol": document["protocol"]["name"]})
        return str(run.url)
    except (wandb.Error, ValueError) as error:
        raise EvaluationError(f"wandb=true: W&B does not take the scores, which stand in scores.json all the same "
                              f"({error}): `wandb login` stores a key, and `wandb sync {run_dir}/wandb/*` uploads a "
                              f"run that was offline") from error
