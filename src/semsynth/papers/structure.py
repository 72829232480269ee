"""Does a positional encoding help inside of objects? Windows, doors and wheels of the embedded scenes, over seeds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor
from torch.utils.data import default_collate

from semsynth.data.icpe import Offsets
from semsynth.data.scenes import Scenes
from semsynth.data.scenes.parts import COLOURS, REST
from semsynth.evaluation.painter import Painter
from semsynth.evaluation.sources import load_run
from semsynth.evaluation.structure import flattened, part_finder, part_iou
from semsynth.files import write_text, write_with
from semsynth.papers.paired import Paired, compare, interval
from semsynth.papers.results import Results, Section, Table
from semsynth.reporting.collect import Run
from semsynth.reporting.errors import ReportError

KEPT = "structure.json"  # in the run directory
SHOWN = 6  # scenes in the picture


class InnerStructure:
    """IoU of the parts in the pictures of two settings, their paired difference over seeds, and some scenes.

    The pictures are drawn with the last weights (both settings had as many iterations), each in the style of the
    scene's own picture.

    Args:
        first: Name of a setting.
        second: Name of the one it is compared with.
        count: Validation scenes.
        batch: Pictures at a time.
    """

    def __init__(self, first: str = "clade", second: str = "clade_icpe", count: int = 1024, batch: int = 32) -> None:
        self.first, self.second, self.count, self.batch = first, second, count, batch

    def __call__(self, results: Results) -> list[Section]:
        """See `results.Output`."""
        count = min(self.count, 32) if results.small else self.count
        pairs = matched(results.runs, self.first, self.second)
        scores = {name: [score_run(run, count, self.batch) for run in chosen]
                  for name, chosen in zip((self.first, self.second), zip(*pairs, strict=True), strict=True)}
        scenes = validation(pairs[0][1], count)
        ends = {name: part_iou(_pictures(scenes, self.batch, flat=name == "flat")) for name in ("drawn", "flat")}
        parts = list(ends["drawn"])
        found = {part: compare([s[part] for s in scores[self.first]], [s[part] for s in scores[self.second]])
                 for part in parts}
        seeds = [run.seed for run, _ in pairs]
        picture = _draw_scenes(pairs[0], scenes, results.picture("drawn"))
        plot = _draw_pairs(scores, seeds, results.picture())
        return [Section(f"{self.second} against {self.first}: IoU of parts with where the drawer puts them",
                        _words(found, self.first, self.second, count, seeds), self._table(scores, ends, found), plot),
                Section("The scenes with the most of them", f"Rows: the scene's own picture, {self.first}, "
                        f"{self.second} (seed {pairs[0][0].seed}), and where the drawer put windows, doors, wheels "
                        "and panes.", picture=picture)]

    def _table(self, scores: dict[str, list[dict[str, float]]], ends: dict[str, dict[str, float]],
               found: dict[str, Paired]) -> Table:
        def shown(name: str, part: str) -> str:
            mean, reach = interval([100 * row[part] for row in scores[name]])
            return f"{mean:.2f} ± {reach:.2f}"

        rows = [[part, *(shown(name, part) for name in (self.first, self.second)),
                 f"{100 * p.mean:+.2f} ({100 * p.low:+.2f} to {100 * p.high:+.2f})", f"{p.t_test:.3f}",
                 f"{p.sign_flip:.3f}", f"{100 * ends['drawn'][part]:.2f}", f"{100 * ends['flat'].get(part, 0):.2f}"]
                for part, p in found.items()]
        return Table(["part", f"{self.first} %", f"{self.second} %", "difference (95 % interval)", "p, paired t",
                      "p, sign flips", "scenes' own pictures %", "objects of one colour %"], rows)


def matched(found: Sequence[Run], first: str, second: str) -> list[tuple[Run, Run]]:
    """Runs of two settings, pairs of equal seeds.

    Raises:
        ReportError: fewer than two seeds have both.
    """
    by_seed = {name: {run.seed: run for run in found if run.name == name and run.has_checkpoint}
               for name in (first, second)}
    seeds = sorted(by_seed[first].keys() & by_seed[second].keys())
    if len(seeds) < 2:
        raise ReportError(f"{first} and {second} are compared over two or more seeds that both were trained with, got "
                          f"{len(seeds)} (of {len(found)} runs)")
    return [(by_seed[first][seed], by_seed[second][seed]) for seed in seeds]


def validation(run: Run, count: int) -> Scenes:
    """The validation scenes of a run.

    Raises:
        ReportError: it was not trained on scenes.
    """
    if run.dataset != "scenes" or run.config is None:
        raise ReportError(f"{run.directory}: only the drawer of dataset=scenes knows the parts of its objects")
    offsets = Offsets(**{key: value for key, value in run.config["icpe"].items() if key != "_target_"})
    return Scenes(count, run.config["size"], "val", instances=bool(run.config["dataset"].get("instances")),
                  offsets=offsets)


def score_run(run: Run, count: int, batch: int = 32) -> dict[str, float]:
    """IoU of the parts in a run's pictures, see `part_iou`; kept in the run directory for the next time."""
    generator, encoder, cfg, choices = load_run(run.directory, "last", "auto")
    asked = {"checkpoint": choices["checkpoint"]["sha256"], "weights": choices["weights"], "scenes": count,
             "finder": part_finder().sha256}
    kept = run.directory / KEPT
    if kept.is_file() and (before := json.loads(kept.read_text()))["of"] == asked:
        return dict(before["iou"])
    painter = Painter(generator, encoder, num_classes=cfg.dataset.num_classes, style="image")
    iou = part_iou(_drawn(painter, validation(run, count), batch))
    write_text(kept, json.dumps({"of": asked, "iou": iou}, indent=1) + "\n")
    return iou


def _drawn(painter: Painter, scenes: Scenes, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    for indices in torch.arange(len(scenes)).split(batch):
        samples = default_collate([scenes[int(i)] for i in indices])
        yield painter.draw(samples, indices).cpu(), torch.stack([scenes.parts(int(i)) for i in indices])


def _pictures(scenes: Scenes, batch: int, flat: bool) -> Iterator[tuple[Tensor, Tensor]]:
    """The scenes' own pictures, or with all objects of one colour: what the score is for perfect and for no parts."""
    seen = Scenes(len(scenes), (scenes.height, scenes.width), "val", instances=True)
    for indices in torch.arange(len(scenes)).split(batch):
        samples = [seen[int(i)] for i in indices]
        images = torch.stack([flattened(s["image"], s["instances"]) if flat else s["image"] for s in samples])
        yield images, torch.stack([scenes.parts(int(i)) for i in indices])


def _words(found: dict[str, Paired], first: str, second: str, count: int, seeds: Sequence[int]) -> str:
    mean = found["mean"]
    if not mean.decided:
        verdict = f"Zero lies within the interval: these runs do not show that {second} helps, nor that it harms."
    else:
        better = "better" if mean.mean > 0 else "worse"
        verdict = f"{second} is {better} by {100 * abs(mean.mean):.2f} points of the mean."
    return (f"{count} validation scenes, seeds {', '.join(map(str, seeds))}; mean ± half width of the 95 % interval "
            f"(Student's t over seeds). {verdict} A network that sees a neighbourhood of each pixel finds the parts; "
            "its answers for the scenes' own pictures and for objects of one colour say what a perfect and an empty "
            "drawing get.")


def _draw_pairs(scores: dict[str, list[dict[str, float]]], seeds: Sequence[int], path: Path) -> Path:
    """A line for every seed from the first setting's score to the second's, in a panel for each part."""
    (first, before), (second, after) = scores.items()
    figure = Figure(figsize=(2.1 * len(before[0]), 3.4), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, part in zip(figure.subplots(1, len(before[0])), before[0], strict=True):
        for index, seed in enumerate(seeds):
            axes.plot([0, 1], [100 * before[index][part], 100 * after[index][part]], "o-", color=f"C{index}",
                      label=f"seed {seed}", markersize=4)
        axes.set(title=part, xlim=(-0.4, 1.4), xticks=[0, 1], xticklabels=[first, second.replace("_", "\n")])
        axes.grid(alpha=0.3, axis="y")
    figure.supylabel("IoU %")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(seeds), fontsize=8)
    return write_with(path, figure.savefig)


def _draw_scenes(pair: tuple[Run, Run], scenes: Scenes, path: Path) -> Path:
    """The scenes with most pixels of parts: own picture, both settings, parts."""
    chosen = sorted(range(min(len(scenes), 256)), key=lambda i: -int((scenes.parts(i) != REST).sum()))[:SHOWN]
    samples = default_collate([scenes[i] for i in chosen])
    rows = [samples["image"]]
    for run in pair:
        generator, encoder, cfg, _ = load_run(run.directory, "last", "auto")
        painter = Painter(generator, encoder, num_classes=cfg.dataset.num_classes, style="image")
        rows.append(painter.draw(samples, torch.tensor(chosen)).cpu())
    parts = np.stack([np.asarray(COLOURS, np.uint8)[scenes.parts(i).numpy()] for i in chosen])
    shown = [((row.permute(0, 2, 3, 1).numpy() + 1) * 127.5).clip(0, 255).astype(np.uint8) for row in rows] + [parts]
    figure = Figure(figsize=(1.6 * SHOWN, 6.8), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(4, len(chosen), squeeze=False)
    for line, pictures, name in zip(panels, shown, ("own picture", pair[0].name, pair[1].name, "parts"), strict=True):
        line[0].set_ylabel(name)
        for axes, picture in zip(line, pictures, strict=True):
            axes.imshow(picture, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
    return write_with(path, figure.savefig)
