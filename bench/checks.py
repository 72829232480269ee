"""Whether a device computes what float64 does on a CPU: every norm, forward and backward, alone and in a generator.

Errors are relative: the norm of the difference over the norm of the float64 result, of all numbers together. In a whole
network some features change their sign under rounding, and a LeakyReLU then passes another gradient: limits of whole
gradients are wider than those of a layer's.
"""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE, CLADE_DISTF, CLADE_ICPE
from semsynth.norms.schedule import Mixed
from semsynth.norms.spade import SPADE
from semsynth.semantics import Semantics

CLASSES = 7
LIMITS = {"layer": 1e-5, "layer, gradient": 1e-4, "generator": 1e-4, "generator, gradient": 2e-2,
          "bf16 picture": 0.1, "folded": 1e-4}


@dataclass(frozen=True)
class Case:
    """A norm with or without instance edges, in a generator of (size, ngf) for so many label maps."""

    norm: str
    edges: bool
    size: int = 128
    ngf: int = 16
    batch: int = 2

    def __str__(self) -> str:
        return f"{self.norm}{', edges' * self.edges}"

    def factory(self) -> Any:
        """What makes the norms."""
        spade = partial(SPADE, edges=self.edges, hidden=16)
        clades = {"clade": CLADE, "clade_icpe": partial(CLADE_ICPE, zero_start=False), "clade_distf": CLADE_DISTF}
        made = {name: partial(norm, edges=self.edges) for name, norm in clades.items()}
        return {"spade": spade, "mixed": Mixed(spade, made["clade"], transition=4), **made}[self.norm]

    def build(self) -> tuple[SPADEGenerator, Semantics]:
        """A generator in float64, all of whose parameters matter, and label maps in blocks, as objects are."""
        torch.manual_seed(0)
        network = SPADEGenerator(self.factory(), CLASSES, size=(self.size, self.size), ngf=self.ngf, edges=self.edges,
                                 init_gain=1.0).double()
        for name, value in network.named_parameters():
            if name.endswith(("gamma", "beta")):
                nn.init.uniform_(value, -0.5, 1.0)
        coarse = torch.randint(CLASSES, (self.batch, self.size // 8, self.size // 8))
        labels = coarse.repeat_interleave(8, 1).repeat_interleave(8, 2)
        edges = (torch.rand(self.batch, 1, self.size, self.size) < 0.05).float()
        offsets = torch.rand(self.batch, 2, self.size, self.size) * 2 - 1
        return network, Semantics(labels, CLASSES, edges, offsets)


CASES = [Case(norm, edges) for norm in ("spade", "clade", "clade_icpe", "clade_distf", "mixed")
         for edges in (False, True)]


def error(found: Iterable[Tensor], expected: Iterable[Tensor]) -> float:
    """The relative error of all numbers together."""
    mine, right = (torch.cat([x.detach().double().cpu().flatten() for x in tensors]) for tensors in (found, expected))
    return float((mine - right).norm() / right.norm())


def with_gradients(run: Callable[[], Tensor], inputs: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """A result, and the gradients of a fixed weighting of it."""
    out = run()
    weights = torch.linspace(-1, 1, out.numel(), dtype=torch.float64).sin().view(out.shape).to(out)
    return out, list(torch.autograd.grad((out * weights).sum(), inputs))


def layer(case: Case, device: str, dtype: torch.dtype = torch.float32) -> dict[str, float]:
    """Errors of the last block's first norm with its activation, on random features of a precision."""
    network, semantics = case.build()
    reference: Any = list(network.blocks.values())[-1].norm_0
    tested = copy.deepcopy(reference).to(device, torch.float32)
    sizes = network.readings(case.size, case.size)
    x = torch.randn(case.batch, reference.channels, case.size, case.size, dtype=torch.float64)

    def run(norm: Any, x: Tensor, where: str) -> tuple[Tensor, list[Tensor]]:
        x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
        prepared = Semantics(semantics.labels, CLASSES, semantics.edges, semantics.offsets).to(where).prepare(sizes)
        return with_gradients(lambda: norm(x, prepared, slope=0.2), [x, *norm.parameters()])

    x = x.to(dtype).double()  # the same numbers for both
    expected, gradients = run(reference, x, "cpu")
    found, mine = run(tested, x.to(device, dtype), device)
    return {"layer": error([found], [expected]), "layer, gradient": error(mine, gradients)}


def generator(case: Case, device: str) -> dict[str, float]:
    """Errors of a whole generator in training, of its picture under bf16 autocast, and of the folded one."""
    reference, semantics = case.build()
    tested = copy.deepcopy(reference).to(device, torch.float32)
    sizes = reference.readings(case.size, case.size)

    def prepared(where: str) -> Semantics:
        return Semantics(semantics.labels, CLASSES, semantics.edges, semantics.offsets).to(where).prepare(sizes)

    here, there = prepared("cpu"), prepared(device)
    expected, gradients = with_gradients(lambda: reference(here), list(reference.parameters()))
    low = copy.deepcopy(tested)
    with torch.autocast(device, torch.bfloat16), torch.no_grad():
        rounded = low(there)
    found, mine = with_gradients(lambda: tested(there), list(tested.parameters()))
    with torch.no_grad():
        still = reference.eval()(here)
        folded = tested.eval().optimize_for_inference()(there)
    return {"generator": error([found], [expected]), "generator, gradient": error(mine, gradients),
            "bf16 picture": error([rounded], [expected]), "folded": error([folded], [still])}
