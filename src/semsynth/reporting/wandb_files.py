"""What lies in the file of an offline W&B run: all that `wandb sync` would send."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from semsynth.errors import ReportError

START, BLOCK = b":W&B", 32768  # the file is a log of LevelDB's format after a header of 7 bytes
WHOLE, LAST = 1, 4  # kinds of pieces after which a record is complete


@dataclass
class OfflineRun:
    """A run as W&B would know it.

    Attributes:
        project: Name of the project.
        id: Identifier of the run.
        name: Its name.
        group: Group of the run; empty: none.
        job_type: Kind of the run within its group.
        tags: Tags.
        config: The configuration.
        summary: Last and best values.
        history: Rows of what was logged.
        axes: The metric over which a metric is drawn.
        artifacts: Type, name, aliases, metadata and files of each artifact.
    """

    project: str = ""
    id: str = ""
    name: str = ""
    group: str = ""
    job_type: str = ""
    tags: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    axes: dict[str, str] = field(default_factory=dict)
    artifacts: list[dict[str, Any]] = field(default_factory=list)

    def curve(self, key: str) -> tuple[list[float], list[float]]:
        """A metric's values with those of its axis, NaN left out."""
        axis = self.axes.get(key, "_step")
        points = [(row[axis], row[key]) for row in self.history
                  if isinstance(row.get(key), int | float) and axis in row]
        return [x for x, _ in points], [y for _, y in points]

    def table(self, key: str) -> list[dict[str, Any]] | None:
        """The rows of the last table of a metric by column, images as the paths of their files; None without a table.

        W&B keeps tables as artifacts, whose files wait for `wandb sync` in its own folder (WANDB_DATA_DIR).
        """
        name = f"{key}.table.json"
        files = next((made["files"] for made in reversed(self.artifacts) if name in made["files"]), None)
        if files is None or not Path(files[name]).is_file():
            return None
        content = json.loads(Path(files[name]).read_text(encoding="utf-8"))
        return [{column: Path(files[cell["path"]]) if isinstance(cell, dict) else cell
                 for column, cell in zip(content["columns"], row, strict=True)} for row in content["data"]]


def offline_files(run_dir: Path) -> list[Path]:
    """The files of a run directory's offline W&B runs, the oldest first; a resumed run has several."""
    return sorted((run_dir / "wandb").glob("offline-run-*/run-*.wandb"))


def read_offline(files: Sequence[Path]) -> OfflineRun:
    """Read the files of one run, the oldest first, as `wandb sync` takes them.

    Raises:
        ReportError: one is no such file, or damaged; or wandb is not installed.
    """
    try:
        from google.protobuf.message import DecodeError
        from wandb.proto import wandb_internal_pb2 as messages
    except ImportError as error:
        raise ReportError(f"{files[0]}: reading it needs wandb: pip install wandb") from error
    run = OfflineRun()
    for path in files:
        try:
            for data in _records(path.read_bytes()):
                record = messages.Record()  # type: ignore[attr-defined]  # made when it is imported
                record.ParseFromString(data)
                _take(run, record)
        except (DecodeError, ValueError, struct.error) as error:
            raise ReportError(f"{path} is no file of an offline W&B run, or damaged ({error})") from error
    return run


def _records(data: bytes) -> Iterator[bytes]:
    """The records of a log: pieces of at most a block, each with checksum, length and kind before it."""
    if not data.startswith(START):
        raise ValueError(f"it does not begin with {START.decode()}")
    place, record = 7, b""
    while place + 7 <= len(data):
        left = BLOCK - place % BLOCK
        if left < 7:  # no room for a piece
            place += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, place)
        record += data[place + 7:place + 7 + length]
        place += 7 + length
        if kind in (WHOLE, LAST):
            yield record
            record = b""


def _take(run: OfflineRun, record: Any) -> None:
    kind = record.WhichOneof("record_type")
    if kind == "run":
        told = record.run
        run.project, run.id, run.name = told.project, told.run_id, told.display_name
        run.group, run.job_type, run.tags = told.run_group, told.job_type, list(told.tags)
        _update(run.config, told.config.update)
    elif kind == "config":
        _update(run.config, record.config.update)
    elif kind == "summary":
        _update(run.summary, record.summary.update)
    elif kind == "history":
        row: dict[str, Any] = {}
        _update(row, record.history.item)
        run.history.append(row)
    elif kind == "metric" and record.metric.step_metric:
        run.axes[record.metric.name] = record.metric.step_metric
    elif kind == "request" and record.request.HasField("log_artifact"):
        run.artifacts.append(_artifact(record.request.log_artifact.artifact))
    elif kind == "artifact":
        run.artifacts.append(_artifact(record.artifact))


def _update(held: dict[str, Any], items: Iterable[Any]) -> None:
    """Take over values; a key may be a path."""
    for item in items:
        *parents, last = list(item.nested_key) or [item.key]
        place = held
        for key in parents:
            place = place.setdefault(key, {})
        place[last] = json.loads(item.value_json)


def _artifact(told: Any) -> dict[str, Any]:
    return {"type": told.type, "name": told.name, "aliases": list(told.aliases),
            "metadata": json.loads(told.metadata or "{}"),
            "files": {entry.path: entry.local_path for entry in told.manifest.contents}}
