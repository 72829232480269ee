"""Sending a report to Weights & Biases, or writing what would be sent where there is no account."""

from __future__ import annotations

import json
import os
from netrc import NetrcParseError, netrc
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from semsynth.files import write_text
from semsynth.reporting.wandb_report import SET, Specification

FILE = "wandb_report.json"


class SendingError(RuntimeError):
    """The report could not be sent; says why."""


def has_account() -> bool:
    """Whether a key of W&B is at hand, from the environment or from `wandb login`, and its use is not turned off."""
    if os.environ.get("WANDB_MODE") in ("offline", "disabled"):
        return False
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    try:
        return netrc(os.environ.get("NETRC")).authenticators(host) is not None
    except (OSError, NetrcParseError):
        return False


def send_or_write(specification: Specification, folder: Path) -> str:
    """Send the report, or write it to `folder` where there is no account; say in a line what was done.

    Raises:
        SendingError: there is an account, but the report does not get there.
    """
    if has_account():
        return f"W&B report: {send(specification)}"
    path = write_text(folder / FILE, json.dumps(specification, indent=2) + "\n")
    return f"No W&B account (wandb login, or WANDB_API_KEY): {path} holds what would be sent"


def send(specification: Specification) -> str:
    """Log the runs, save the report and return its address.

    Raises:
        SendingError: wandb-workspaces is missing, or W&B refuses.
    """
    import wandb

    try:
        report = build(specification, specification["entity"] or str(wandb.Api().default_entity))
        for run in specification["runs"]:
            _log(run, specification)
        return str(report.save().url)
    except (wandb.Error, ValueError, OSError) as error:
        raise SendingError(f"W&B did not take the report: {error}") from error


def _log(run: dict[str, Any], specification: Specification) -> None:
    import wandb

    with wandb.init(id=run["id"], name=run["name"], project=specification["project"], entity=specification["entity"],
                    group=SET, job_type="report", config=run["config"], resume="allow",
                    settings=wandb.Settings(quiet=True, console="off")) as logged:
        logged.summary.update(run["summary"])
        if run["images"]:
            logged.log({key: wandb.Image(image["file"], caption=image["caption"])
                        for key, image in run["images"].items()})


def build(specification: Specification, entity: str) -> Any:
    """The report of wandb-workspaces, not yet saved.

    Raises:
        SendingError: wandb-workspaces is missing.
    """
    try:
        import wandb_workspaces.reports.v2 as wr
    except ImportError as error:
        raise SendingError("wandb=true needs wandb-workspaces: pip install 'semsynth[report]'") from error
    project, described = specification["project"], specification["report"]

    def panel(node: dict[str, Any]) -> Any:
        if node["kind"] == "bar":
            return wr.BarPlot(title=node["title"], metrics=[node["metric"]], groupby=wr.Config("setting"),
                              groupby_aggfunc="mean", groupby_rangefunc="minmax")
        if node["kind"] == "scatter":
            named, _, key = node["x"].rpartition("config.")
            x = wr.Config(key) if node["x"].startswith("config.") else wr.SummaryMetric(named + key)
            return wr.ScatterPlot(title=node["title"], x=x, y=wr.SummaryMetric(node["y"]))
        return wr.MediaBrowser(title=node["title"], media_keys=node["keys"], num_columns=1)

    def block(node: dict[str, Any]) -> Any:
        if node["kind"] == "markdown":
            return wr.MarkdownBlock(text=node["text"])
        names = [run["name"] for run in specification["runs"]]
        runset = wr.Runset(project=project, entity=entity, name=SET, filters=f"Metric('displayName') in {names!r}")
        return wr.PanelGrid(runsets=[runset], panels=[panel(child) for child in node["panels"]])

    return wr.Report(project=project, entity=entity, title=described["title"], description=described["description"],
                     blocks=[block(node) for node in described["blocks"]], width="fluid")
