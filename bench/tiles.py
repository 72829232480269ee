"""Pictures in tiles against one piece: python bench/tiles.py [height] [width] [NETWORK:TILE ...].

Time, the most memory above that of the weights, and the largest difference to the picture in one piece (tile 0), which
a row of its network must say before the others. Published widths, 183 classes, trained size 256x256, a label map of the
scenes drawn at that size, one thread; every row in a process of its own. Seconds are those of the processor, which
other processes disturb less.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import Any

import numpy as np
import torch
from maps import COCO_CLASSES
from run import machine, table

from semsynth.complexity.memory import in_child, peak_above_now
from semsynth.data.scenes.dataset import Scenes
from semsynth.drawing import draw
from semsynth.generators.dagan import DAGANGenerator
from semsynth.generators.oasis import OASISGenerator
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE, CLADE_ICPE
from semsynth.norms.spade import SPADE
from semsynth.norms.spade_noise import SPADE_Noise
from semsynth.semantics import Semantics
from semsynth.style import Style

NETWORKS: dict[str, Any] = {"CLADE": partial(SPADEGenerator, CLADE), "SPADE": partial(SPADEGenerator, SPADE),
                            "CLADE-ICPE": partial(SPADEGenerator, CLADE_ICPE),
                            "DAGAN": partial(DAGANGenerator, SPADE), "OASIS": partial(OASISGenerator, SPADE_Noise)}
ROWS = ["CLADE:0", "CLADE:1024", "CLADE:512", "CLADE:256", "CLADE:128", "SPADE:0", "SPADE:512", "SPADE:256", "OASIS:0",
        "OASIS:512"]
HEADS = ["network", "tile", "CPU seconds", "peak MiB above the weights", "largest difference"]


def measure(name: str, size: tuple[int, int], tile: int) -> tuple[float, int, np.ndarray]:
    """CPU seconds, bytes and the picture of a network at initial weights, but for lively pictures."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    generator = NETWORKS[name](COCO_CLASSES, init_gain=1.0).eval()
    labels = torch.as_tensor(Scenes(1, size=size).label_map(0)["labels"]).long()[None] * (COCO_CLASSES // 12)
    offsets = torch.linspace(-1, 1, size[1]).expand(1, 2, *size) if name.endswith("ICPE") else None
    style = Style(vector=torch.randn(1, 64)) if generator.styled else None
    small = Semantics(labels[:, :128, :128].contiguous(), COCO_CLASSES,
                      offsets=None if offsets is None else offsets[..., :128, :128].contiguous())
    with torch.inference_mode():
        for norm in generator.modules():
            if isinstance(norm, CLADE):
                norm.gamma.normal_(1, 0.3), norm.beta.normal_(0, 0.3)
        before = torch.atanh(draw(generator, small, style).clamp(-0.99999, 0.99999))
        scale = 0.5 / before.std((0, 2, 3))
        generator.conv_img.bias.sub_(before.mean((0, 2, 3))).mul_(scale)
        generator.conv_img.weight.mul_(scale[:, None, None, None])
        generator = generator.optimize_for_inference()
        draw(generator, small, style)  # warms up
        with peak_above_now(torch.device("cpu")) as peak:
            start = time.process_time()
            image = draw(generator, Semantics(labels, COCO_CLASSES, offsets=offsets), style, tile or None)
            seconds = time.process_time() - start
    return seconds, peak.bytes, image.numpy()


def main(*words: str) -> None:
    """Print the table."""
    size = (int(words[0]), int(words[1])) if len(words) > 1 else (1024, 2048)
    whole: dict[str, np.ndarray] = {}
    rows = []
    for row in words[2:] or ROWS:
        name, tile = row.split(":")
        seconds, peak, image = in_child(partial(measure, name, size, int(tile)))
        expected = whole.setdefault(name, image)
        rows.append([name, tile if int(tile) else "one piece", f"{seconds:.1f}", f"{peak / 2 ** 20:.0f}",
                     f"{np.abs(image - expected).max():.0e}" if int(tile) else ""])
        print(*rows[-1], flush=True)
    print(f"\n{size[0]}x{size[1]}; {machine()}\n\n{table(HEADS, rows)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
