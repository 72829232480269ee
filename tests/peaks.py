"""Memory that is taken and let go, for measurements in processes of their own."""

import torch

from semsynth.complexity import memory
from semsynth.drawing import draw
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE
from semsynth.semantics import Semantics

MB = 2 ** 20
CPU = torch.device("cpu")


def peak_of(megabytes):
    """Bytes at the peak of so much, made after more was let go."""
    torch.ones(64 * MB)
    with memory.peak_above_now(CPU) as peak:
        torch.ones(megabytes * MB // 4)
    return peak.bytes


def peaks_of_drawing(wanted):
    """Bytes at the peaks of pictures of a size, in tiles or in one piece."""
    torch.set_num_threads(1)
    generator = SPADEGenerator(CLADE, 3, size=(64, 64), ngf=8, upsamplings=5).eval().optimize_for_inference()
    with torch.inference_mode():
        draw(generator, Semantics(torch.zeros(1, 64, 64, dtype=torch.int64), 3))
        peaks = []
        for size, tile in wanted:
            labels = torch.randint(3, (1, *size))
            with memory.peak_above_now(CPU) as peak:
                draw(generator, Semantics(labels, 3), tile=tile)
            peaks.append(peak.bytes)
    return peaks
