"""The networks that are measured, and label maps ready for them."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE
from semsynth.norms.spade import SPADE
from semsynth.semantics import Semantics

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
NORMS: dict[str, Any] = {"SPADE": SPADE, "CLADE": CLADE}


def build(norm: str, size: int, ngf: int, classes: int) -> SPADEGenerator:
    """A generator at its initial weights; SPADE's hidden width shrinks with small ones, as in the scenes recipe."""
    factory = partial(SPADE, hidden=128 if ngf == 64 else 32) if norm == "SPADE" else NORMS[norm]
    return SPADEGenerator(factory, classes, size=(size, size), ngf=ngf).to(DEVICE)


def prepared(network: Any, labels: Tensor, classes: int) -> Semantics:
    """Label maps ready for a network, made anew as for a new batch."""
    return network.prepare(Semantics(labels, classes)).to(DEVICE)
