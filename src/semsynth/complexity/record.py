"""Writing and reading records: complexity.json, the layers as CSV."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from semsynth.complexity.measure import Record
from semsynth.weights.files import write_text

RECORD, LAYERS = "complexity.json", "layers.csv"
COLUMNS = ("name", "kind", "height", "width", "channels_in", "channels_out", "kernel", "parameters", "weights", "macs",
           "additions", "elementwise", "follows", "added_parameters", "added_macs", "parameter_ratio", "mac_ratio",
           "published_parameter_ratio", "published_mac_ratio")


def save(record: Record, folder: Path) -> Path:
    """Write complexity.json and layers.csv into a folder; return the path of the first."""
    write_text(folder / LAYERS, _layers(record["layers"]))
    return write_text(folder / RECORD, json.dumps(record, indent=1) + "\n")


def _layers(layers: list[Record]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for layer in layers:
        ratios = layer["ratios"] or {"measured": {}, "published": {}}
        writer.writerow({**layer, "height": layer["size"][0], "width": layer["size"][1],
                         "parameter_ratio": ratios["measured"].get("parameters"),
                         "mac_ratio": ratios["measured"].get("macs"),
                         "published_parameter_ratio": ratios["published"].get("parameters"),
                         "published_mac_ratio": ratios["published"].get("macs")})
    return text.getvalue()


def load(path: Path) -> Record:
    """Read a record.

    Raises:
        ValueError: the file is no record; names it.
    """
    try:
        record = json.loads(path.read_text())
        if record["format"] != 1:
            raise KeyError(f"format {record['format']}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no record of tools/complexity.py ({error})") from error
    return record


def load_all(folder: Path) -> list[Record]:
    """The records one level below a folder, such as those of a sweep, in the order of their names."""
    return [load(path) for path in sorted(folder.glob(f"*/{RECORD}"))]
