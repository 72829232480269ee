"""Metrics as a table in the run directory, in which every row stands once however often the run was interrupted."""

import csv
import errno
import io
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import rank_zero_only

from semsynth.weights.files import refused, write_text

Row = dict[str, str]


class CsvMetrics(Logger):
    """Write one row for every logged step to a CSV file; columns are `step` (in batches) and the metric keys.

    Lightning's own CSVLogger deletes the file when a run is resumed, and writes it anew at every step. This one adds
    rows in one piece each; new columns make a new file, which takes the old one's place when it is whole. `Rows` lets a
    resumed run go on behind the rows of its checkpoint.

    Args:
        path: The file.

    Raises:
        WritingError: a row cannot be written; the rows before it stay.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = Path(path)
        self._columns: list[str] | None = None  # None: not looked yet

    @property
    def name(self) -> str:
        """The kind of logger."""
        return "csv"

    @property
    def version(self) -> str:
        """There is only one."""
        return ""

    def log_hyperparams(self, params: object, *args: object, **kwargs: object) -> None:
        """Nothing: the configuration stands in the run directory."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Append a row."""
        row: dict[str, object] = {"step": step, **metrics}
        if self._columns is None:
            self.keep()
        assert self._columns is not None
        if new := [key for key in row if key not in self._columns]:
            self._rewrite(self._columns + new, self._read()[1])
        self._append(_text(self._columns, [row]))

    def rows(self) -> int:
        """How many rows there are, once they are on the disk."""
        rows = self._read()[1]
        if rows:
            with self.path.open("rb") as file:
                os.fsync(file.fileno())
        return len(rows)

    @rank_zero_only
    def keep(self, count: int | None = None) -> None:
        """Go on behind the first `count` rows, or all; rows of batches that are trained again come anew.

        A last row that was cut off does not count as one. Rows that are missing are said, and a file that is no such
        table is put aside.
        """
        self._columns, rows = self._read(count)
        if not self._columns and self.path.is_file() and self.path.stat().st_size:
            aside = self.path.with_name(f"{self.path.name}.damaged")
            os.replace(self.path, aside)
            print(f"{self.path} is no table of metrics, it has become {aside.name}", flush=True)
        if count is not None and len(rows) < count:
            print(f"{self.path} holds {len(rows)} whole rows, but {count} were written before the checkpoint: the "
                  f"others are lost, training goes on", flush=True)
        if self.path.is_file():
            self._rewrite(self._columns, rows)

    def _append(self, line: str) -> None:
        size = self.path.stat().st_size
        try:
            with self.path.open("ab", buffering=0) as file:
                file.write(line.encode())  # one piece: a kill leaves all of it or nothing
            if self.path.stat().st_size != size + len(line.encode()):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            with suppress(OSError):
                os.truncate(self.path, size)
            refused(self.path, error)
            raise

    def _read(self, count: int | None = None) -> tuple[list[str], list[Row]]:
        """Columns, and those of the first rows that are whole; a machine that loses power may leave parts of some."""
        if not self.path.is_file():
            return [], []
        whole = self.path.read_text(encoding="utf-8", errors="replace").rpartition("\n")[0]
        table = [_cells(line) for line in whole.replace("\0", "").splitlines()]
        columns = table[0] if table and "step" in table[0] else []
        return columns, [dict(zip(columns, row, strict=True)) for row in table[1:][:count] if len(row) == len(columns)]

    def _rewrite(self, columns: list[str], rows: Iterable[Row]) -> None:
        write_text(self.path, _text(columns, rows, header=True))
        self._columns = columns


class Rows(pl.Callback):
    """Keep in every checkpoint how many rows a table had, and cut it to them where training begins or goes on.

    Args:
        table: The table.
    """

    def __init__(self, table: CsvMetrics) -> None:
        self.table = table
        self._count = 0  # of the checkpoint

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take out what a run that was killed wrote after its checkpoint, or before it had one."""
        self.table.keep(self._count)

    def state_dict(self) -> dict[str, int]:
        """The rows."""
        return {"rows": self.table.rows()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Remember the rows of a checkpoint until training goes on."""
        self._count = state_dict["rows"]


def _cells(line: str) -> list[str]:
    """A line by itself: a quotation mark that a damaged one opens must not swallow the rows behind it."""
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:  # a mark that stays open, or longer than any row
        return []


def _text(columns: list[str], rows: Iterable[dict[str, Any]], header: bool = False) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
