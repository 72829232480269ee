"""Metrics as a table in the run directory."""

import csv
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import rank_zero_only


class CsvMetrics(Logger):
    """Write one row for every logged step to a CSV file; columns are `step` (in batches) and the metric keys.

    Lightning's own CSVLogger deletes the file when a run is resumed. This one goes on with it, and drops the rows that
    the interrupted run wrote after the checkpoint from which training goes on. Where that begins with a validation, the
    losses of the batch before it stay.

    Args:
        path: The file.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = Path(path)
        self._columns: list[str] = []
        self._opened = False

    @property
    def name(self) -> str:
        """The kind of logger."""
        return "csv"

    @property
    def version(self) -> str:
        """There is only one."""
        return ""

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing: the configuration stands in the run directory."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Append a row."""
        row: dict[str, Any] = {"step": step, **metrics}
        if not self._opened:
            self._open(row)
        new = [key for key in row if key not in self._columns]
        if new:
            self._rewrite(self._read(), self._columns + new)
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, self._columns).writerow(row)

    def _open(self, first: dict[str, Any]) -> None:
        """Continue an existing file without what the row `first` and later ones repeat, or start a new one."""
        self._opened = True
        self.path.parent.mkdir(parents=True, exist_ok=True)
        rows, step, repeated = self._read(), first["step"], first.keys() - {"step", "epoch"}
        self._columns = list(rows[0]) if rows else []
        if rows and step is not None:
            kept = [row for row in rows if int(row["step"]) < step or (
                int(row["step"]) == step and not any(row.get(key) for key in repeated))]
            self._rewrite(kept, self._columns)

    def _read(self) -> list[dict[str, str]]:
        if not self.path.is_file():
            return []
        with self.path.open(newline="") as file:
            return list(csv.DictReader(file))

    def _rewrite(self, rows: list[dict[str, str]], columns: list[str]) -> None:
        self._columns = columns
        with self.path.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
