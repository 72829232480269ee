"""Drawing: the published formulation against the folded generator, on one kind of label maps."""

from __future__ import annotations

from functools import partial

import torch
from measure import alternate, peak_bytes
from networks import build, prepared
from torch import Tensor

from semsynth.complexity.formulation import as_published
from semsynth.generators.inference import FoldedGenerator
from semsynth.semantics import Semantics

HEADS = ["published ms", "fast ms", "ratio", "map seen before", "compiled", "compiled, map seen before",
         "bfloat16, compiled", "largest difference, relative", "peak MiB published", "peak MiB fast"]


def inference(norm: str, labels: Tensor, classes: int, ngf: int, repeats: int) -> list[str]:
    """The cells of a row."""
    torch._dynamo.reset()
    network = build(norm, labels.shape[-1], ngf, classes).eval()
    device = network.conv_img.weight.device
    plain, folded = as_published(network), network.optimize_for_inference()
    compiled = network.optimize_for_inference(compile=True)
    low = network.optimize_for_inference(compile=True, dtype=torch.bfloat16)
    given = Semantics(labels, classes).to(device)

    def new() -> object:
        return prepared(network, labels, classes)

    with torch.inference_mode():
        known = new()
        expected = plain(given)
        error = max((drawn(known) - expected).abs().max().item() for drawn in (folded, compiled))
        error /= expected.abs().max().item()
        calls = [lambda: plain(given), lambda: folded(new()), lambda: folded(known), lambda: compiled(new()),
                 lambda: compiled(known), lambda: low(new())]
        times = alternate(calls, repeats)
        memory = [peak_bytes(call) for call in calls[:2]]
    ratios = [f"{times[0] / t:.2f}" for t in times[1:]]
    return [f"{times[0] * 1e3:.0f}", f"{times[1] * 1e3:.0f}", *ratios, f"{error:.0e}",
            *("-" if m is None else f"{m / 2 ** 20:.0f}" for m in memory)]


def between_norms(labels: Tensor, classes: int, ngf: int, repeats: int) -> list[str]:
    """Fast SPADE's time over fast CLADE's on label maps never seen before: eager, compiled."""
    torch._dynamo.reset()
    networks = [build(norm, labels.shape[-1], ngf, classes).eval() for norm in ("SPADE", "CLADE")]
    drawn = [network.optimize_for_inference(compile=compiled) for compiled in (False, True) for network in networks]

    def draw(network: FoldedGenerator) -> object:
        return network(prepared(network, labels, classes))

    with torch.inference_mode():
        times = alternate([partial(draw, network) for network in drawn], repeats)
    return [f"{times[0] / times[1]:.2f}", f"{times[2] / times[3]:.2f}"]
