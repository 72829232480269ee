"""Editing: one region of a picture in another style, and how far that changes the rest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from semsynth.errors import ReportError
from semsynth.metrics.edit_leak import FURTHEST, EditLeak
from semsynth.papers.edits import SMALLEST, Edit, Editor, has_parts
from semsynth.papers.results import Results, Section, Table
from semsynth.papers.trained import open_run
from semsynth.pictures.charts import new_figure, save
from semsynth.pictures.grid import colour_labels, draw_grid, to_uint8
from semsynth.reporting.collect import Run
from semsynth.weights.files import write_with

CELL = 128  # pixels of the shorter side below which pictures are enlarged
GAIN = 2  # of changes, as they are shown


def first_seeds(results: Results) -> dict[str, Run]:
    """The run of the first seed that has a checkpoint, by its setting's name."""
    found: dict[str, Run] = {}
    for run in sorted(results.runs, key=lambda run: run.seed):
        if run.has_checkpoint:
            found.setdefault(run.name, run)
    return found


def measured(editor: Editor, instances: bool, reach: int) -> EditLeak:
    """The leak of all edits of an editor's label maps, by the names of the classes."""
    leak = EditLeak(reach)
    for _, group in groupby(editor.edits(instances), key=lambda edit: edit.index):
        of_map = list(group)
        before, after = editor.draw(of_map)
        regions = before.new_zeros(len(of_map), *before.shape[-2:]).bool()
        for row, edit in enumerate(of_map):
            regions[row] = edit.region
        leak.update(before.expand_as(after), after, regions,
                    [editor.trained.classes[edit.label] for edit in of_map])
    return leak


def most_different(editor: Editor, label: int, instances: bool) -> Edit | None:
    """The edit of a class that its two photographs make the most of; every sample that shows the class lends its look.

    That of the largest product of the smaller region's root size and of how much further apart the colours of the two
    are than those of the rests of the photographs: where light and weather are alike, a region's own look shows.
    """
    best, most = None, -torch.inf
    for edit in editor.edits(instances):
        if edit.label != label:
            continue
        for source in range(len(editor.maps)):
            shown = editor.looks(source, label, instances)
            if source == edit.index or shown is None:
                continue
            apart, rest = ((_colour(editor, edit.index, mine) - _colour(editor, source, theirs)).abs().mean()
                           for mine, theirs in ((edit.region, shown), (~edit.region, ~shown)))
            worth = float((apart - rest) * min(edit.region.sum(), shown.sum()) ** 0.5)
            if worth > most:
                best, most = Edit(edit.index, source, label, edit.instance, edit.region, shown), worth
    return best


def _colour(editor: Editor, at: int, mask: Tensor) -> Tensor:
    """Mean (3,) of a photograph's pixels; grey of none."""
    pixels: Tensor = editor.batches[at]["image"][0][:, mask]
    return pixels.sum(1) / max(1, pixels.shape[1])


def cells(editor: Editor, edit: Edit) -> list[np.ndarray]:
    """A row of the figure, see `Editing`."""
    before, after = editor.draw([edit])
    colours = editor.trained.colours
    photograph, other = (editor.batches[at]["image"][0] for at in (edit.index, edit.source))
    change = (after[0] - before[0]).abs().mean(0, keepdim=True).expand(3, -1, -1) * GAIN - 1
    return [_outlined(colour_labels(editor.maps[edit.index].labels[0].numpy(), colours), edit.region),
            to_uint8(photograph.numpy()), _outlined(to_uint8(other.numpy()), edit.shown), to_uint8(before[0].numpy()),
            to_uint8(after[0].numpy()), to_uint8(change.numpy())]


def edit_grid(editor: Editor, classes: Sequence[str], instances: bool = False) -> Image.Image | None:
    """A row for the `most_different` edit of each class, see `Editing`; None where no label map shows any of them."""
    wanted = [name for name in classes if name in editor.trained.classes]
    edits = [most_different(editor, label, instances) for label in editor.trained.labels_of(wanted)]
    rows = [cells(editor, edit) for edit in edits if edit is not None]
    return draw_grid(rows, TITLES, cell=CELL) if rows else None


def _outlined(picture: np.ndarray, region: Tensor) -> np.ndarray:
    """With everything but the region lighter."""
    light = (0.35 * picture + 0.65 * 255).astype(np.uint8)
    return np.where(region.numpy()[..., None], picture, light)


TITLES = ["label map", "photograph", "look of", "before", "after", f"change, times {GAIN}"]


class Editing:
    """Edits validation pictures with every network of a study that has styles by class or by instance.

    For each setting's first seed a picture with a row for each class: label map and, lighter but for that region, the
    photograph and the one whose look the region is given, the label map drawn in the style of its photograph before
    and after that, and the change. Where styles are by instance, one with a row for single instances, too.

    Args:
        classes: Rows of a picture; those that a setting's data does not show are left out.
        instances: Rows for single instances.
        samples: Validation samples that are edited and lend their looks.
        reach: Pixels around a region that count as its border, see `EditLeak`.
    """

    def __init__(self, classes: Sequence[str] = ("sky", "building", "road", "car", "person"),
                 instances: Sequence[str] = ("car", "building", "person"), samples: int = 32, reach: int = 8) -> None:
        self.classes, self.instances, self.samples, self.reach = tuple(classes), tuple(instances), samples, reach

    def __call__(self, results: Results) -> list[Section]:
        """The table of leaks, how they fall with distance, and the pictures.

        Raises:
            ReportError: no network with styles by class or instance is trained, or data is not at hand.
        """
        sections: list[Section] = []
        leaks: dict[tuple[str, str], EditLeak] = {}
        for name, run in first_seeds(results).items():
            trained = open_run(run)
            if not has_parts(trained):
                continue
            editor = Editor(trained, trained.spread(self.samples))
            for instances in (False, True)[:1 + editor.by_instance]:
                of = "an instance" if instances else "a class"
                leak = measured(editor, instances, self.reach)
                path = self._picture(editor, instances, results.picture(_file_name(name, of)))
                leaks |= {(name, of): leak} if leak.names else {}
                sections += [Section(f"{name}: {of} as in another photograph", f"`{run.directory}`",
                                     picture=path)] if path else []
        if not leaks:
            raise ReportError("no network whose encoder says styles by class or by instance is trained yet (encoder="
                              "regions, group or instance)")
        return [*self._tables(leaks),
                Section("Leak against the distance from the region",
                        picture=_chart(leaks, results.picture("leak"))), *sections]

    def _tables(self, leaks: dict[tuple[str, str], EditLeak]) -> list[Section]:
        head = ["network", "changed", "edits", "change inside, of a pixel's range", "leak",
                f"leak beyond {self.reach} pixels"]
        rows = [[*what, str(leak.edits), f"{values['inside'] / 2:.1%}", f"{values['leak']:.1%}", f"{values['far']:.1%}"]
                for what, leak in leaks.items() for values in [leak.compute()]]
        text = ("A region takes its code from another photograph. *Leak*: mean absolute change of a pixel outside the "
                "region, over that of a pixel inside; each edit counts once, the mean over the classes. "
                f"At most {self.samples} validation samples, every class (or instance) of {SMALLEST} pixels or more.")
        names = list(dict.fromkeys(name for leak in leaks.values() for name in leak.names))
        by_class = [[*what, *(f"{leak.compute(name)['leak']:.1%}" if name in leak.names else "-" for name in names)]
                    for what, leak in leaks.items()]
        return [Section("Leak of an edit", text, Table(head, rows)),
                Section("Leak of an edit, by class", table=Table(["network", "changed", *names], by_class))]

    def _picture(self, editor: Editor, instances: bool, path: Path) -> Path | None:
        grid = edit_grid(editor, self.instances if instances else self.classes, instances)
        return None if grid is None else write_with(path, lambda file: grid.save(file, "PNG"))


def _chart(leaks: dict[tuple[str, str], EditLeak], path: Path) -> Path:
    figure, axes = new_figure(1, 1, (6.4, 3.6))
    for what, leak in leaks.items():
        axes[0, 0].plot(range(1, FURTHEST + 1), [100 * value for value in leak.profile()], label=", ".join(what))
    axes[0, 0].set_xlabel("pixels from the region")
    axes[0, 0].set_ylabel("change, % of that inside")
    axes[0, 0].set_ylim(bottom=0)
    axes[0, 0].axhline(5, color="grey", linewidth=0.8, linestyle=":")
    axes[0, 0].legend(fontsize=8)
    return save(figure, path)


def _file_name(setting: str, of: str) -> str:
    """A file's name of a setting's, which holds commas and signs."""
    words = "".join(c if c.isalnum() else " " for c in f"{setting} {of.split()[-1]}").split()
    return "_".join(words).lower()
