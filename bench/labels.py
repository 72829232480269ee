"""What stands before the networks: positional offsets of a label map, and the input pipeline of every data set."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from measure import alternate
from scipy import ndimage

from semsynth.config import finalize
from semsynth.semantics.icpe import Offsets

ROOT = Path(__file__).parents[1]
SAMPLES = 48


def pipeline() -> list[str]:
    """Two paragraphs of the page."""
    torch.set_num_threads(1)
    return ["## Before the networks\n", offsets(), "", images_per_second(), ""]


def offsets() -> str:
    """Offsets of a 256x256 map of some 30 components: ours against one pass over the image for each component."""
    generator = np.random.default_rng(0)
    centres = generator.uniform(0, 256, (30, 2))
    rows, columns = np.mgrid[:256, :256]
    nearest = ((rows[..., None] - centres[:, 0]) ** 2 + (columns[..., None] - centres[:, 1]) ** 2).argmin(-1)
    labels = generator.permutation(30)[nearest].astype(np.int64)
    make = Offsets(enabled=True)
    assert np.allclose(make(labels), by_component(labels), atol=1e-5)
    ours, plain = alternate([lambda: make(labels), lambda: by_component(labels)], 7)
    return (f"Positional offsets (CLADE-ICPE) of a 256x256 label map of 30 components: {ours * 1e3:.1f} ms, a loop over"
            f" components on the whole image {plain * 1e3:.0f} ms: {plain / ours:.0f} times as fast.")


def by_component(labels: np.ndarray) -> np.ndarray:
    """The definition (arXiv:2012.04644, Eq. 12-14), component by component: (2,H,W) float32."""
    out = np.zeros((2, *labels.shape), np.float32)
    grid = np.mgrid[:labels.shape[0], :labels.shape[1]].astype(np.float64)
    for label in np.unique(labels):
        parts, count = ndimage.label(labels == label, np.ones((3, 3)))
        for number in range(1, count + 1):
            inside = parts == number
            for axis in range(2):
                offset = np.where(inside, grid[axis] - (grid[axis] * inside).sum() / inside.sum(), 0)
                out[axis] += offset / (np.abs(offset).max() + 1e-5)
    return out


def images_per_second() -> str:
    """Training samples a second that one core makes, at each recipe whose data is there."""
    found = []
    for name in ("scenes", "camvid", "coco_stuff", "cityscapes", "ade20k"):
        if name != "scenes" and not (Path(os.environ.get("SEMSYNTH_DATA", "data")) / name).is_dir():
            continue
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            cfg = finalize(compose("train", [f"dataset={name}", "dataset.instances=false", "run_dir=x"]))
        made = instantiate(cfg.dataset.train, _convert_="all")
        dataset = made if hasattr(made, "__getitem__") else made()
        dataset[0]
        start = time.perf_counter()
        for index in range(SAMPLES):
            dataset[index % len(dataset)]
        seconds = time.perf_counter() - start
        height, width = cfg.size
        found.append(f"{name} {SAMPLES / seconds:.0f} ({height}x{width})")
    return f"Training samples that one core makes in a second, at the size of the recipe: {', '.join(found)}."
