"""Weights & Biases, offline unless asked otherwise."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import yaml
from pytorch_lightning.utilities import rank_zero_only

from semsynth.errors import LoggerError
from semsynth.training.wandb_logger import RunLogger
from semsynth.weights.files import write_text

if TYPE_CHECKING:
    from wandb.sdk.wandb_run import Run

FILE = "wandb.json"  # in a run directory: id, mode, project and entity of its W&B run
Mode = Literal["online", "offline", "disabled", "shared"]
ARTIFACTS = ("best", "last")

_opened: list[Run] = []  # the runs of this process that are ours to close


def wandb_logger(
    run_dir: str,
    project: str = "semsynth",
    name: str | None = None,
    group: str | None = None,
    job_type: str = "train",
    mode: Literal["online", "offline", "disabled"] | None = None,
    tags: Sequence[str] = (),
    artifacts: Sequence[str] = (),
) -> RunLogger | None:
    """Start or continue the W&B run of a run directory; None on every rank but the first.

    The run's id is kept in `run_dir/wandb.json`, so that a resumed run continues it. Without an account the default
    mode writes to `run_dir/wandb`, from where `wandb sync` uploads it later. No question is asked. Without wandb
    installed there is no logger either, unless it is asked to be online.

    Under a sweep's agent (`wandb agent`) the run is the agent's: its id and project, and online unless asked otherwise.
    A run that is open in this process already is left alone: this one gets a run of its own.

    Args:
        run_dir: The run directory, which holds `config.yaml`; made where it is missing.
        project: W&B project.
        name: Name of the run; None: the name of the directory.
        group: Group of the run; the runs of a sweep share one.
        job_type: Kind of the run within its group.
        mode: `online`, `offline` or `disabled`; None: the environment's WANDB_MODE, else `offline`,
            under a sweep's agent `online`.
        tags: W&B tags.
        artifacts: Checkpoints that become artifacts when training ends: `best`, `last`.

    Raises:
        LoggerError: another mode or artifact; wandb is to be online and is not installed, or its server refuses.
    """
    by_agent = bool(os.environ.get("WANDB_SWEEP_ID"))
    chosen = _mode(mode or os.environ.get("WANDB_MODE") or ("online" if by_agent else "offline"))
    _check(artifacts)
    if getattr(rank_zero_only, "rank", 0) != 0 or not _installed(chosen):
        return None
    import wandb

    if by_agent and chosen == "offline":
        print("wandb: this run belongs to a sweep's agent, which learns nothing from it while it is offline: take "
              "logger.wandb.mode=online and unset WANDB_MODE", flush=True)
    folder = Path(run_dir)
    folder.mkdir(parents=True, exist_ok=True)  # wandb.init does not make it and falls back to another place
    known = _known(folder / FILE)
    run_id = None if by_agent else known.get("id") or secrets.token_hex(4)  # the agent has chosen one
    # "must" where the server knows the run; one that was offline so far may not be there yet
    resume: Literal["must", "allow"] | None = None
    if known and not by_agent and chosen == "online":
        resume = "must" if known["mode"] == "online" else "allow"
    config_file = folder / "config.yaml"
    try:
        run = wandb.init(
            dir=str(folder),
            project=None if by_agent else project,
            name=name or folder.name,
            group=group,
            job_type=job_type,
            tags=list(tags),
            mode=chosen,
            id=run_id,
            resume=resume,
            reinit=_beside_an_open_run(),
            config=yaml.safe_load(config_file.read_text()) if config_file.is_file() else None,
            settings=wandb.Settings(quiet=True, console="off"),
        )
    except wandb.Error as error:
        raise LoggerError(f"W&B does not take this run ({error}): `wandb login` stores a key, "
                          f"logger.wandb.mode=offline needs none, logger=csv does without W&B") from error
    _opened.append(run)
    facts = {"id": run_id or run.id, "mode": chosen, "project": run.project, "entity": run.entity or None}
    write_text(folder / FILE, json.dumps(facts))
    return RunLogger(run, artifacts)


def noted(path: Path) -> dict[str, str | None]:
    """What a run directory notes of its W&B run (id, mode, project, entity); nothing where there is none yet.

    Raises:
        LoggerError: the note is damaged.
    """
    if not path.is_file():
        return {}
    try:
        known: Any = json.loads(path.read_text(encoding="utf-8"))
        if all(isinstance(known[key], str) for key in ("id", "mode")) and all(
                isinstance(known.get(key), str | None) for key in ("project", "entity")):
            return dict(known)
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    raise LoggerError(f"{path} is damaged, so that the W&B run which it named is not known")


def _known(path: Path) -> dict[str, str | None]:
    """The same; nothing where the note is damaged, which is said."""
    try:
        return noted(path)
    except LoggerError as error:
        print(f"{error}: a new one begins", flush=True)
        return {}


def _mode(given: str) -> Mode:
    for mode in get_args(Mode):
        if given == mode:
            return mode
    raise LoggerError(f"WANDB_MODE must be online, offline or disabled, got {given!r}")


def _check(artifacts: Sequence[str]) -> None:
    unknown = [artifact for artifact in artifacts if artifact not in ARTIFACTS]
    if isinstance(artifacts, str) or unknown:
        raise LoggerError(f"logger.wandb.artifacts={artifacts} must be a list of {' and '.join(ARTIFACTS)}, as in "
                          f"logger.wandb.artifacts=[best]")


def _installed(mode: str) -> bool:
    """Whether there is wandb; says so where there is none.

    Raises:
        LoggerError: there is none, and the run is to be online.
    """
    if find_spec("wandb") is not None:
        return True
    if mode == "online":
        raise LoggerError("wandb is not installed, and this run is to be online: pip install wandb, or logger=csv")
    print("wandb is not installed: metrics.csv and grids/ hold what there is to see (pip install wandb, or logger=csv "
          "leaves out this line)", flush=True)
    return False


def _beside_an_open_run() -> Literal["create_new", "return_previous"] | None:
    """How to begin a run; wandb would return one that is open, and whoever opened it would find our metrics in it."""
    import wandb

    if wandb.run is None:
        return None
    if wandb.run.id != os.environ.get("WANDB_RUN_ID"):  # else it is the agent's, made for this training
        print(f"wandb: the run {wandb.run.name} is open in this process; this training gets its own", flush=True)
        return "create_new"
    return "return_previous"


def finish_wandb(failed: bool = False) -> None:
    """End the W&B runs that `wandb_logger` began in this process, so that the next job of a sweep starts its own."""
    while _opened:
        _opened.pop().finish(exit_code=int(failed))
