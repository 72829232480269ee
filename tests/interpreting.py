"""Sends CPU tensors through kernels in Triton's interpreter, in the whole process that imports this."""

import os

import torch

from semsynth.modulation import executor
from semsynth.modulation.kernels import backward, sums

assert os.environ["TRITON_INTERPRET"] == "1"
executor.DEVICES = {"cpu"}
# rows that have more pieces than a program sums at once, few rows and many
sums.merging = backward.merging = lambda rows: (1, 4) if rows <= 20 else (4, 2)
EPS = {torch.float32: 1e-5, torch.bfloat16: 1e-2, torch.float16: 2e-3}


def error(found, expected):
    return ((found - expected).abs().max() / expected.abs().max()).item()
