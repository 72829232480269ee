"""Does a positional encoding help inside of objects? Windows, doors and wheels of the embedded scenes, over seeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from semsynth import runs
from semsynth.data.scenes import Scenes
from semsynth.data.scenes.parts import COLOURS, REST
from semsynth.errors import ReportError
from semsynth.metrics.structure import flattened, part_finder, part_iou
from semsynth.papers.paired import HEAD, Paired, compare, with_interval
from semsynth.papers.results import Results, Section, Table
from semsynth.papers.trained import draw_batch, matched, open_run
from semsynth.pictures.charts import new_figure, save, show
from semsynth.pictures.grid import colour_labels, to_uint8
from semsynth.reporting.collect import Run
from semsynth.weights.files import write_text
from semsynth.weights.tensor_files import sha256_of

CHECKPOINT = "last"  # both settings had as many iterations
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
        pairs = matched(results.runs, self.first, self.second)
        count = min(self.count, 32) if results.small else self.count
        scores: dict[str, list[dict[str, float]]] = {self.first: [], self.second: []}
        for pair in pairs:
            for name, run in zip(scores, pair, strict=True):
                scores[name].append(score_run(run, scenes_of(run, count), self.batch))
        scenes = scenes_of(pairs[0][1], count)
        ends = _ends(scenes, self.batch)
        found = {part: compare([s[part] for s in scores[self.first]], [s[part] for s in scores[self.second]])
                 for part in ends["drawn"]}
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
        rows = [[part, *(with_interval([100 * row[part] for row in scores[name]]) for name in scores),
                 *found[part].cells(100), f"{100 * ends['drawn'][part]:.2f}", f"{100 * ends['flat'].get(part, 0):.2f}"]
                for part in found]
        return Table(["part", f"{self.first} %", f"{self.second} %", *HEAD, "scenes' own pictures %",
                      "objects of one colour %"], rows)


def scenes_of(run: Run, count: int) -> Scenes:
    """The first `count` validation scenes of a run, with what its networks read.

    Raises:
        ReportError: it was not trained on scenes.
    """
    if run.dataset != "scenes" or run.config is None:
        raise ReportError(f"{run.directory}: only the drawer of dataset=scenes knows the parts of its objects")
    facts = run.config["dataset"]
    found: Scenes = runs.validation({"dataset": {**facts, "val": {**facts["val"], "length": count}}})
    return found


def score_run(run: Run, scenes: Scenes, batch: int = 32) -> dict[str, float]:
    """IoU of the parts in a run's pictures, see `part_iou`; kept in the run directory for the next time."""
    asked = {"checkpoint": sha256_of(runs.Run(run.directory, CHECKPOINT).checkpoint), "scenes": len(scenes),
             "finder": part_finder().sha256}
    kept = run.directory / KEPT
    if kept.is_file() and (before := json.loads(kept.read_text()))["of"] == asked:
        return dict(before["iou"])
    trained = replace(open_run(run, CHECKPOINT), split=scenes)
    iou = part_iou(_batches(scenes, batch, lambda indices: draw_batch(trained, trained.batch(indices))))
    write_text(kept, json.dumps({"of": asked, "iou": iou}, indent=1) + "\n")
    return iou


def _batches(scenes: Scenes, batch: int, pictures: Callable[[Sequence[int]], Tensor]
             ) -> Iterator[tuple[Tensor, Tensor]]:
    """Pictures (N,3,H,W) of all scenes, and their parts (N,H,W)."""
    for indices in torch.arange(len(scenes)).split(batch):
        chosen = indices.tolist()
        yield pictures(chosen), torch.stack([scenes.parts(index) for index in chosen])


def _ends(scenes: Scenes, batch: int) -> dict[str, dict[str, float]]:
    """IoU in the scenes' own pictures, and in those with all objects of one colour: of perfect parts, and of none."""
    seen = Scenes(len(scenes), (scenes.height, scenes.width), scenes.split, scenes.seed, instances=True)
    own = _batches(seen, batch, lambda indices: torch.stack([seen[i]["image"] for i in indices]))
    flat = _batches(seen, batch, lambda indices: torch.stack(
        [flattened(sample["image"], sample["instances"]) for i in indices for sample in [seen[i]]]))
    return {"drawn": part_iou(own), "flat": part_iou(flat)}


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
    figure, panels = new_figure(1, len(before[0]), (2.1, 2.5))
    for axes, part in zip(panels[0], before[0], strict=True):
        for index, seed in enumerate(seeds):
            axes.plot([0, 1], [100 * before[index][part], 100 * after[index][part]], "o-", color=f"C{index}",
                      label=f"seed {seed}", markersize=4)
        axes.set(title=part, xlim=(-0.4, 1.4), xticks=[0, 1], xticklabels=[first, second.replace("_", "\n")])
        axes.grid(alpha=0.3, axis="y")
    figure.supylabel("IoU %")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(seeds), fontsize=8)
    return save(figure, path)


def _draw_scenes(pair: tuple[Run, Run], scenes: Scenes, path: Path) -> Path:
    """The scenes with most pixels of parts: own picture, both settings, parts."""
    chosen = sorted(range(min(len(scenes), 256)), key=lambda i: -int((scenes.parts(i) != REST).sum()))[:SHOWN]
    networks = [replace(open_run(run, CHECKPOINT), split=scenes) for run in pair]
    batch = networks[0].batch(chosen)
    rows = [("own picture", batch["image"]),
            *((trained.run.name, draw_batch(trained, trained.batch(chosen))) for trained in networks)]
    figure, panels = new_figure(len(rows) + 1, len(chosen), (1.6, 1.5))
    for line, (name, images) in zip(panels, rows, strict=False):
        line[0].set_ylabel(name)
        for axes, image in zip(line, images, strict=True):
            show(axes, to_uint8(image.numpy()))
    panels[-1][0].set_ylabel("parts")
    for axes, index in zip(panels[-1], chosen, strict=True):
        show(axes, colour_labels(scenes.parts(index).numpy(), COLOURS))
    return save(figure, path)
