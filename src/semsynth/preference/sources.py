"""Where a study's pictures come from: folders with the same names, or two runs that draw the same label maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import default_collate

from semsynth import runs
from semsynth.data.pairing import by_name
from semsynth.data.source import IMAGE_SUFFIXES, files_in
from semsynth.drawing import draw, style_of
from semsynth.errors import PreferenceError
from semsynth.pictures.grid import colour_labels, to_uint8
from semsynth.semantics.batch import semantics_from_batch
from semsynth.semantics.samples import SampleBatch
from semsynth.synthesis.pictures import GRID
from semsynth.weights.files import write_with

BATCH = 8


def folder_files(key: str, folder: Path) -> dict[str, Path]:
    """The pictures of a folder by name, without the grid that synthesize.py leaves beside them.

    Raises:
        PreferenceError: there is no such folder, or no picture in it; names the key.
        DataError: two files have one name but for the ending.
    """
    if not folder.is_dir():
        raise PreferenceError(f"{key}={folder}: there is no such folder")
    files = [path for path in files_in(folder, IMAGE_SUFFIXES) if path != folder / GRID]
    if not files:
        raise PreferenceError(f"{key}={folder}: there is no picture in it ({', '.join(IMAGE_SUFFIXES)})")
    return by_name(folder, files)


def is_run(path: Path) -> bool:
    """Whether a folder is a run directory."""
    return (path / runs.CONFIG).is_file()


@torch.inference_mode()
def draw_runs(paths: Mapping[str, Path], count: int, folder: Path, *, least: int = 1, seed: int = 0,
              checkpoint: str = "auto", weights: str = "auto", device: str | torch.device = "cpu",
              progress: Callable[[range], Iterable[int]] = iter) -> dict[str, dict[str, Path]]:
    """Draw the same label maps, spread over the validation split, with several runs, into files.

    Styles are the encoder's means of the real pictures; without an encoder they are drawn from the seed.

    Args:
        paths: Method -> run directory.
        count: Label maps, as far as there are as many.
        folder: Where the pictures go for the time being.
        least: Fewer are refused.
        seed: Of drawn styles.
        checkpoint: As for `runs.Run`.
        weights: As for `runs.Run`.
        device: To draw on.
        progress: Wraps the batches.

    Returns:
        Files of each method, of `real` and of `map`, by the number of the sample in the split.

    Raises:
        PreferenceError: a run knows no validation split, one is too small, or they hold different label maps.
    """
    opened = {method: runs.Run(path, checkpoint, weights) for method, path in paths.items()}
    for method, run in opened.items():
        if "val" not in run.whole("dataset").dataset:
            raise PreferenceError(f"{method}={paths[method]} knows no validation split, as an import or an export: "
                                  "draw label maps with synthesize.py, and give the folder of pictures")
    splits = {method: runs.validation(run.plain) for method, run in opened.items()}
    for method, split in splits.items():
        if len(split) < least:
            raise PreferenceError(f"the layout needs {least} pictures, and {method}={paths[method]} validates on "
                                  f"{len(split)}: take fewer with preset.pairs or preset.pages, or folders of pictures")
    count = min(count, *map(len, splits.values()))
    artists = {method: _Artist(run, seed, device) for method, run in opened.items()}
    found: dict[str, dict[str, Path]] = {name: {} for name in (*paths, "real", "map")}

    def keep(kind: str, name: str, pixels: np.ndarray) -> None:
        path = folder / kind / f"{name}.png"
        write_with(path, lambda file: Image.fromarray(pixels).save(file, "PNG"), sync=False)
        found[kind][name] = path

    first, (_, run) = next(iter(splits)), next(iter(opened.items()))
    colours = run.plain["dataset"]["colours"]
    for start in progress(range(0, count, BATCH)):
        places = range(start, min(start + BATCH, count))
        batches = {method: default_collate([split[place * len(split) // count] for place in places])
                   for method, split in splits.items()}
        names = [f"{place * len(splits[first]) // count:05d}" for place in places]
        for method, batch in batches.items():
            if not torch.equal(batch["labels"], batches[first]["labels"]):
                raise PreferenceError(f"{paths[method]} and {paths[first]} do not validate on the same label maps: "
                                      "draw both from one folder with synthesize.py, and give the folders of pictures")
            for name, fake in zip(names, artists[method].draw(batch), strict=True):
                keep(method, name, to_uint8(fake))
        for name, labels, real in zip(names, batches[first]["labels"], batches[first]["image"], strict=True):
            keep("map", name, colour_labels(labels.numpy(), colours))
            keep("real", name, to_uint8(real.numpy()))
    return found


class _Artist:
    """Draws batches of a validation split with a run."""

    def __init__(self, run: runs.Run, seed: int, device: str | torch.device) -> None:
        self.classes = run.whole("dataset").dataset.num_classes
        self.generator, encoder = run.generator.to(device), run.encoder
        self.encoder, self.device = None if encoder is None else encoder.to(device), device
        self.normal = partial(torch.randn, generator=torch.Generator().manual_seed(seed))

    def draw(self, batch: SampleBatch) -> np.ndarray:
        """Pictures (N,3,H,W) in [-1,1]."""
        semantics = semantics_from_batch(batch, self.classes).to(self.device)
        if self.encoder is not None:
            style = style_of(self.encoder, batch["image"].to(self.device), semantics)
        else:
            style = self.generator.draw_style(len(semantics), semantics, self.normal)
        return draw(self.generator, semantics, style).cpu().numpy()
