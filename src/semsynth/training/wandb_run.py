"""Weights & Biases, offline unless asked otherwise."""

import json
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.utilities import rank_zero_only


def wandb_logger(
    run_dir: str,
    project: str = "semsynth",
    name: str | None = None,
    group: str | None = None,
    mode: str | None = None,
    tags: Sequence[str] = (),
) -> WandbLogger | None:
    """Start or continue the W&B run of a run directory; None on every rank but the first.

    The run's id is kept in `run_dir/wandb.json`, so that a resumed run continues it. Without an account the default
    mode writes to `run_dir/wandb`, from where `wandb sync` uploads it later. No question is asked.

    Under a sweep's agent (`wandb agent`) the run is the agent's: its id and project, and online unless asked otherwise.

    Args:
        run_dir: The run directory, which holds `config.yaml`; made where it is missing.
        project: W&B project.
        name: Name of the run; None: the name of the directory.
        group: Group of the run; the runs of a sweep share one.
        mode: `online`, `offline` or `disabled`; None: the environment's WANDB_MODE, else `offline`,
            under a sweep's agent `online`.
        tags: W&B tags.

    Raises:
        ValueError: another mode.
    """
    by_agent = bool(os.environ.get("WANDB_SWEEP_ID"))
    chosen: Any = mode or os.environ.get("WANDB_MODE") or ("online" if by_agent else "offline")
    if chosen not in ("online", "offline", "disabled", "shared"):
        raise ValueError(f"logger.mode must be online, offline or disabled, got {chosen!r}")
    if getattr(rank_zero_only, "rank", 0) != 0:
        return None
    import wandb

    if by_agent and chosen == "offline":
        print("wandb: this run belongs to a sweep's agent, which learns nothing from it while it is offline: take "
              "logger.mode=online and unset WANDB_MODE", flush=True)
    folder = Path(run_dir)
    folder.mkdir(parents=True, exist_ok=True)  # wandb.init does not make it and falls back to another place
    id_file = folder / "wandb.json"
    known: dict[str, Any] = json.loads(id_file.read_text()) if id_file.is_file() else {}
    run_id = None if by_agent else known.get("id") or secrets.token_hex(4)  # the agent has chosen one
    # "must" where the server knows the run; one that was offline so far may not be there yet
    resume: Any = None
    if known and not by_agent and chosen == "online":
        resume = "must" if known["mode"] == "online" else "allow"
    config_file = folder / "config.yaml"
    run = wandb.init(
        dir=str(folder),
        project=None if by_agent else project,
        name=name or folder.name,
        group=group,
        tags=list(tags),
        mode=chosen,
        id=run_id,
        resume=resume,
        config=yaml.safe_load(config_file.read_text()) if config_file.is_file() else None,
        settings=wandb.Settings(quiet=True, console="off"),
    )
    id_file.write_text(json.dumps({"id": run_id or run.id, "mode": chosen}))
    return WandbLogger(experiment=run)


def finish_wandb(failed: bool = False) -> None:
    """End the W&B run of this process, if there is one, so that the next job of a sweep starts its own."""
    wandb = sys.modules.get("wandb")
    if wandb is not None and getattr(wandb, "run", None) is not None:
        wandb.finish(exit_code=int(failed))
