"""Drawing: the published formulation against the folded generator, on one kind of label maps."""

from __future__ import annotations

import torch
from measure import alternate, peak_bytes
from networks import build, prepared
from published import PublishedGenerator
from torch import Tensor

HEADS = ["published ms", "fast ms", "ratio", "map seen before", "compiled", "compiled, map seen before",
         "bfloat16, compiled", "largest difference, relative", "peak MiB published", "peak MiB fast"]


def inference(norm: str, labels: Tensor, classes: int, ngf: int, repeats: int) -> tuple[list[str], float]:
    """The cells of a row; the second result is the median time of the fast generator in seconds."""
    torch._dynamo.reset()
    network = build(norm, labels.shape[-1], ngf, classes).eval()
    device = network.conv_img.weight.device
    plain, folded = PublishedGenerator(network, classes), network.optimize_for_inference()
    compiled = network.optimize_for_inference(compile=True)
    low = network.optimize_for_inference(compile=True, dtype=torch.bfloat16)
    on_device = labels.to(device)

    def new() -> object:
        return prepared(network, labels, classes)

    with torch.inference_mode():
        known = new()
        expected = plain(on_device)
        error = max((drawn(known) - expected).abs().max().item() for drawn in (folded, compiled))
        error /= expected.abs().max().item()
        calls = [lambda: plain(on_device), lambda: folded(new()), lambda: folded(known), lambda: compiled(new()),
                 lambda: compiled(known), lambda: low(new())]
        times = alternate(calls, repeats)
        memory = [peak_bytes(call) for call in calls[:2]]
    ratios = [f"{times[0] / t:.2f}" for t in times[1:]]
    return [f"{times[0] * 1e3:.0f}", f"{times[1] * 1e3:.0f}", *ratios, f"{error:.0e}",
            *("-" if m is None else f"{m / 2 ** 20:.0f}" for m in memory)], times[1]
