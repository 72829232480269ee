"""Sample grids during training."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
from pytorch_lightning.utilities.types import STEP_OUTPUT

from semsynth.pictures.grid import colour_labels, draw_grid, to_uint8
from semsynth.semantics.batch import labels_from_batch
from semsynth.semantics.samples import SampleBatch
from semsynth.training.offers import LogsImages, LogsSamples
from semsynth.weights.files import write_with

TITLES = ("labels", "generated", "real")
Cells = tuple[np.ndarray, np.ndarray, np.ndarray]


class Panels(pl.Callback):
    """At every validation write label map | generated | real of the first samples as a PNG, and to the loggers.

    The frequency is the trainer's: `check_val_every_n_epoch` for epochs, `val_check_interval` for batches. Loggers
    with Lightning's `log_image` (W&B, TensorBoard) get the pictures, with the classes as an overlay where they show it;
    those with `log_samples` (W&B) a table of the last validation when training ends: a row a sample.

    Args:
        folder: Where the PNG files go, named `epoch-EEE_batch-BBBBBBB.png`.
        classes: Class names, in the order of the labels.
        colours: RGB of each class, 0 to 255.
        samples: Samples of a grid.
        columns: Samples side by side in a row.
        cell: Pixels of the shorter side of a cell below which images are enlarged.

    Raises:
        ValueError: names and colours differ in number.
    """

    def __init__(self, folder: str, classes: Sequence[str], colours: Sequence[Sequence[int]], samples: int = 12,
                 columns: int = 2, cell: int = 96) -> None:
        if len(classes) != len(colours):
            raise ValueError(f"{len(classes)} class names but {len(colours)} colours")
        self.folder, self.classes, self.colours = Path(folder), list(classes), list(colours)
        self.samples, self.columns, self.cell = samples, columns, cell
        self._rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # labels (H,W), fake and real (3,H,W)
        self._names: list[str] = []
        self._table: list[tuple[str | np.ndarray, ...]] = []  # name, labels, fake and real (H,W,3) of a validation
        self._told = False  # where the pictures are

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Forget the samples of another validation."""
        self._rows, self._names = [], []

    def on_validation_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule,
                                outputs: STEP_OUTPUT, batch: SampleBatch, batch_idx: int,
                                dataloader_idx: int = 0) -> None:
        """Collect samples until the rows are full."""
        if not trainer.is_global_zero or trainer.sanity_checking or not isinstance(outputs, Mapping):
            return
        for labels, fake, real, name in zip(labels_from_batch(batch), outputs["fake"], batch["image"], batch["name"],
                                            strict=True):
            if len(self._rows) == self.samples:
                return
            self._names.append(name)
            self._rows.append((labels.cpu().numpy(), fake.float().cpu().numpy(), real.float().cpu().numpy()))

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the grid."""
        if not self._rows:
            return
        cells = [(colour_labels(labels, self.colours), to_uint8(fake), to_uint8(real))
                 for labels, fake, real in self._rows]
        present = np.unique(np.stack([labels for labels, _, _ in self._rows]))
        legend = [(self.classes[k], self.colours[k]) for k in present]
        batches = trainer.fit_loop.total_batch_idx + 1
        name = f"epoch-{trainer.current_epoch + 1:03d}_batch-{batches:07d}.png"
        titles = TITLES * min(self.columns, len(cells))
        grid = draw_grid(self._side_by_side(cells), titles, legend, self.cell)
        write_with(self.folder / name, lambda file: grid.save(file, "PNG"))
        if not self._told:
            self._told = True
            print(f"first pictures: {self.folder / name}", flush=True)
        self._send(trainer, cells)
        self._table = [(name, *images) for name, images in zip(self._names, cells, strict=True)]
        self._rows = []

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Hand the table of the last validation to loggers that take one."""
        for logger in trainer.loggers if self._table else ():
            if isinstance(logger, LogsSamples):
                logger.log_samples(("sample", *TITLES), self._table)

    def _side_by_side(self, cells: list[Cells]) -> list[list[np.ndarray]]:
        """Rows of `columns` samples; a last row that is not full is left out, unless it is the only one."""
        columns = min(self.columns, len(cells))
        starts = range(0, len(cells) - columns + 1, columns)
        return [[cell for sample in cells[start:start + columns] for cell in sample] for start in starts]

    def _send(self, trainer: pl.Trainer, cells: list[Cells]) -> None:
        names = dict(enumerate(self.classes))
        overlays = [{"labels": {"mask_data": labels, "class_labels": names}} for labels, _, _ in self._rows]
        step = trainer.fit_loop.total_batch_idx  # as Lightning counts what is logged in training: from 0 on
        for logger in trainer.loggers:
            if isinstance(logger, LogsImages):
                coloured, fake, real = (list(images) for images in zip(*cells, strict=True))
                logger.log_image("panels/generated", fake, step=step, masks=overlays)
                logger.log_image("panels/real", real, step=step, masks=overlays)
                logger.log_image("panels/labels", coloured, step=step)


def latest_grid(folder: Path) -> Path | None:
    """The newest grid of a folder by epoch and batch; None where there is none."""
    return max(folder.glob("epoch-*_batch-*.png"), default=None)
