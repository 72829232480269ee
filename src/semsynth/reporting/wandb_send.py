"""Sending a report to Weights & Biases, or writing what would be sent where there is no account."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from netrc import NetrcParseError, netrc
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from semsynth.errors import SendingError
from semsynth.reporting.wandb_report import SET, Specification
from semsynth.weights.files import write_text

FILE = "wandb_report.json"


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

    _reports()  # before anything is sent
    try:
        entity = specification["entity"] or str(wandb.Api().default_entity)
        places = {run["id"]: _log(run, specification) for run in specification["runs"]}
        return str(build(specification, entity, places).save().url)
    except (wandb.Error, ValueError, OSError) as error:
        raise SendingError(f"W&B did not take the report: {error}") from error


def _log(run: dict[str, Any], specification: Specification) -> str:
    """Log a run, or what is new of it, and return its address."""
    import wandb

    with wandb.init(id=run["id"], name=run["name"], project=specification["project"], entity=specification["entity"],
                    group=SET, job_type="report", config=run["config"], resume="allow",
                    settings=wandb.Settings(quiet=True, console="off")) as logged:
        seen = logged.summary.get("epoch")
        for row in run["history"]:
            if seen is None or row["epoch"] > seen:
                logged.log(row)
        logged.summary.update(run["summary"])
        if run["images"]:
            logged.log({key: wandb.Image(image["file"], caption=image["caption"])
                        for key, image in run["images"].items()})
        return str(logged.url)


def _reports() -> Any:
    """The part of wandb-workspaces that makes reports.

    Raises:
        SendingError: wandb-workspaces is missing.
    """
    try:
        import wandb_workspaces.reports.v2 as wr
    except ImportError as error:
        raise SendingError("wandb=true needs wandb-workspaces: pip install 'semsynth[report]'") from error
    return wr


def build(specification: Specification, entity: str, places: Mapping[str, str]) -> Any:
    """The report of wandb-workspaces, not yet saved.

    Args:
        specification: What is sent.
        entity: W&B user or team.
        places: Addresses of the runs by their ids.

    Raises:
        SendingError: wandb-workspaces is missing.
    """
    wr = _reports()
    project, described = specification["project"], specification["report"]

    def panel(node: dict[str, Any]) -> Any:
        if node["kind"] == "bar":
            return wr.BarPlot(title=node["title"], metrics=[node["metric"]], groupby=wr.Config("setting"),
                              groupby_aggfunc="mean", groupby_rangefunc="minmax")
        if node["kind"] == "curve":
            return wr.LinePlot(title=node["title"], x="epoch", y=[node["metric"]], groupby=wr.Config("setting"),
                               groupby_aggfunc="mean", groupby_rangefunc="minmax")
        if node["kind"] == "scatter":
            named, _, key = node["x"].rpartition("config.")
            x = wr.Config(key) if node["x"].startswith("config.") else wr.SummaryMetric(named + key)
            return wr.ScatterPlot(title=node["title"], x=x, y=wr.SummaryMetric(node["y"]))
        return wr.MediaBrowser(title=node["title"], media_keys=node["keys"], num_columns=1)

    def block(node: dict[str, Any]) -> Any:
        if node["kind"] == "markdown":
            return wr.MarkdownBlock(text=node["text"])
        if node["kind"] == "links":
            return wr.MarkdownBlock(text="\n".join(_link(run, places[run["id"]]) for run in node["runs"]))
        names = [run["name"] for run in specification["runs"]]
        runset = wr.Runset(project=project, entity=entity, name=SET, filters=f"Metric('displayName') in {names!r}")
        return wr.PanelGrid(runsets=[runset], panels=[panel(child) for child in node["panels"]])

    return wr.Report(project=project, entity=entity, title=described["title"], description=described["description"],
                     blocks=[block(node) for node in described["blocks"]], width="fluid")


def _link(run: dict[str, Any], place: str) -> str:
    """A line of Markdown with the addresses of a run and of its training, which may be another project's."""
    line, training = f"- [{run['name']}]({place})", run["training"]
    if training is None:
        return line
    *server, entity, _, _, _ = place.split("/")  # SERVER/ENTITY/PROJECT/runs/ID
    there = "/".join([*server, training["entity"] or entity, training["project"], "runs", training["id"]])
    return f"{line}, [its training]({there})"
