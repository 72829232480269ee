"""The comparison as a report of Weights & Biases.

`specify` says what is sent, as plain data; `wandb_send` sends it. The scores are made after training and maybe on
another machine, so a W&B run of its own stands for every run of the comparison: its configuration, scores, costs, and
the curves of its `metrics.csv`, whether or not the training was logged to W&B. A last one, `pictures`, holds the grids
and figures. Identifiers follow from the directories, so that a report that is sent again renews these runs.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from semsynth.errors import ReportError
from semsynth.evaluation.report import is_share
from semsynth.reporting.collect import Run
from semsynth.reporting.costs import COSTS, read_cost
from semsynth.reporting.figures import distance_key
from semsynth.reporting.groups import Group
from semsynth.reporting.report import Report, notes
from semsynth.reporting.table import literal, make_rows, markdown, title
from semsynth.runs import METRICS
from semsynth.training import wandb_run

FORMAT = 2
SET = "comparison"  # the W&B group of the runs
Specification = dict[str, Any]


def specify(groups: Sequence[Group], report: Report, project: str, entity: str | None, heading: str) -> Specification:
    """What is sent: `runs` with config, summary and history, and `report` with blocks.

    A block is `{"kind": "markdown", "text"}`, `{"kind": "links", "runs"}` or `{"kind": "panels", "panels"}`, a panel
    `{"kind": "bar", "metric", "title"}`, `{"kind": "curve", "metric", "title"}`, `{"kind": "scatter", "x", "y",
    "title"}` or `{"kind": "media", "keys", "title"}`. A link leads to a run of the comparison, and to the W&B run of
    its training where that is online.
    """
    runs = [_run(group, run) for group in groups for run in group.runs if run.scores]
    identifier = _identifier(f"{heading} {report.folder.resolve()}")
    pictures = {"id": identifier, "name": "pictures", "config": {"setting": "pictures"}, "summary": {}, "history": [],
                "images": {f"report/{path.stem}": {"file": str(path), "caption": caption}
                           for caption, path in report.pictures.items()}}
    blocks: list[dict[str, Any]] = [_text("\n".join(["# Scores", markdown(make_rows(groups)),
                                                     *(f"- {literal(note)}" for note in notes(groups))]))]
    panels = _score_panels(groups, runs)
    if panels:
        words = _text("# By norm\nMean over the seeds, from least to greatest.")
        blocks += [words, {"kind": "panels", "panels": panels}]
    curves = sorted({key for run in runs for row in run["history"] for key in row if key.startswith("score/")})
    if curves:
        words = _text("# While they were trained\nMean over the seeds; scores during training are of fewer samples.")
        blocks += [words, {"kind": "panels", "panels": [
            {"kind": "curve", "metric": key, "title": f"{key} by epoch"} for key in curves]}]
    links = [{"name": f"{group.name}, seed {run.seed}", "id": _identifier(str(run.directory.resolve())),
              "training": _training(run.directory)} for group in groups for run in group.runs if run.scores]
    blocks += [_text("# Runs"), {"kind": "links", "runs": links}]
    if pictures["images"]:
        media = {"kind": "media", "keys": list(pictures["images"]), "title": "The same label maps, and figures"}
        blocks += [_text("# Pictures"), {"kind": "panels", "panels": [media]}]
        runs.append(pictures)
    return {"format": FORMAT, "project": project, "entity": entity, "runs": runs,
            "report": {"title": heading, "description": f"{len(runs)} runs", "blocks": blocks}}


def _run(group: Group, run: Run) -> dict[str, Any]:
    costs = {f"cost/{key}": value for key in COSTS if (value := read_cost(run.complexity, key)) is not None}
    scores = {key: value * (100 if is_share(key) else 1) for key, value in (run.scores or {})["scores"].items()
              if isinstance(value, int | float)}
    config = {"setting": group.name, "dataset": run.dataset, "size": group.size, "epochs": group.epochs,
              "seed": run.seed, "transition": group.transition, "protocol": (run.scores or {}).get("protocol", {})}
    return {"id": _identifier(str(run.directory.resolve())), "name": f"{group.name}, seed {run.seed}",
            "config": config, "summary": {**scores, **costs}, "images": {},
            "history": _history(run.directory / METRICS)}


def _history(path: Path) -> list[dict[str, float]]:
    """The scores of the training's validations, a row each with its epoch.

    Raises:
        ReportError: it is damaged.
    """
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [{key: float(value) for key, value in row.items()
                     if value and key is not None and (key == "epoch" or key[:6] == "score/")}
                    for row in csv.DictReader(file)]
    except (ValueError, OSError, csv.Error) as error:
        raise ReportError(f"{path} cannot be read ({error}): take it away, the report does without") from error
    return [row for row in rows if len(row) > 1 and "epoch" in row]


def _training(directory: Path) -> dict[str, str | None] | None:
    """Id, project and entity of the W&B run of a training; None where none is online.

    Raises:
        LoggerError: what is noted of it is damaged.
    """
    known = wandb_run.noted(directory / wandb_run.FILE)
    return {key: known.get(key) for key in ("id", "project", "entity")} if known.get("mode") == "online" else None


def _score_panels(groups: Sequence[Group], runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    present = {key for run in runs for key in run["summary"]}
    metrics = [key for key in sorted(present) if key.startswith(("fid/", "frechet/"))]
    metrics += [key for key in ("miou", "accuracy") if key in present]
    panels: list[dict[str, Any]] = [{"kind": "bar", "metric": key, "title": f"{title(key)} by norm"} for key in metrics]
    distance = distance_key(groups)
    if distance is not None and "cost/runtime" in present:
        panels.append({"kind": "scatter", "x": "cost/runtime", "y": distance, "title": f"{distance} against runtime"})
    if "miou" in present and any(run["config"].get("transition") is not None for run in runs):
        panels.append({"kind": "scatter", "x": "config.transition", "y": "miou", "title": "mIoU against transition"})
    return panels


def _text(text: str) -> dict[str, Any]:
    return {"kind": "markdown", "text": text}


def _identifier(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:12]
