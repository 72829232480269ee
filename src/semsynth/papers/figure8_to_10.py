"""Figures 1 and 8 to 10 of the CLADE paper: the same label maps drawn by several methods, data set by data set."""

from __future__ import annotations

from collections.abc import Sequence

from semsynth import runs
from semsynth.errors import ReportError
from semsynth.papers.results import Results, Section
from semsynth.papers.trained import NAMES, find
from semsynth.reporting.pictures import draw_comparison


class Grids:
    """Draws a grid for each data set: label map, real picture, then a column for each method.

    Args:
        samples: Label maps of each grid, spread over the validation split.
        settings: The methods.
    """

    def __init__(self, samples: int = 8, settings: Sequence[str] = ("spade", "clade", "clade_icpe")) -> None:
        self.samples, self.settings = samples, tuple(settings)

    def __call__(self, results: Results) -> list[Section]:
        """A section for each data set.

        Raises:
            ReportError: a method is not trained on a data set, or data is not at hand.
        """
        datasets = list(dict.fromkeys(run.dataset for run in results.runs if run.has_checkpoint))
        if not datasets:
            raise ReportError("no training is done yet, so there is nothing to draw")
        sections = []
        for dataset in datasets:
            columns = [(NAMES.get(setting, setting), find(results, setting, dataset)) for setting in self.settings]
            path = results.picture("" if len(datasets) == 1 else dataset)
            try:
                draw_comparison(columns, runs.validation, path, self.samples)
            except ReportError:
                raise
            except ValueError as error:
                raise ReportError(f"the grid of {dataset} cannot be drawn: {error}") from error
            text = "; ".join(f"{name}: `{run.directory}`" for name, run in columns)
            text += ". With a style encoder, in the style of the real picture."
            sections.append(Section(f"The same label maps, {dataset}", text, picture=path))
        return sections
