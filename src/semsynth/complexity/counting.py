"""Adding up the layers: totals, the split into backbone and norms, and the ratios of Figure 5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from semsynth.complexity.layers import Layer

Split = dict[str, int]
"""``total``, ``backbone``, ``norm``."""


def parameters(layers: Sequence[Layer]) -> Split:
    """Learned numbers, split as in Table III of arXiv:2012.04644.

    What a norm appends to the feature makes the next convolution larger: that share counts as the norm's, so that the
    backbone is the same network whatever the norm.
    """
    total = sum(layer.parameters for layer in layers)
    norm = sum(layer.parameters if layer.kind == "norm" else layer.added_parameters for layer in layers)
    return {"total": total, "backbone": total - norm, "norm": norm}


def macs(layers: Sequence[Layer]) -> Split:
    """Multiply-accumulates of convolutions and linear layers for one image, split in the same way."""
    total = sum(layer.macs for layer in layers)
    norm = sum(layer.macs if layer.kind == "norm" else layer.added_macs for layer in layers)
    return {"total": total, "backbone": total - norm, "norm": norm}


def macs_bias(layers: Sequence[Layer]) -> Split:
    """``macs``, and one addition for each element that a bias is added to: the papers' FLOPs, to the digit."""
    found = macs(layers)
    norm = sum(layer.additions for layer in layers if layer.kind == "norm")
    backbone = sum(layer.additions for layer in layers) - norm
    return {"total": found["total"] + backbone + norm, "backbone": found["backbone"] + backbone,
            "norm": found["norm"] + norm}


COUNTS = {"macs": macs, "macs_bias": macs_bias}
"""What counts as work."""


def elementwise(layers: Sequence[Layer]) -> int:
    """Multiplications and additions of all modulations for one image, which ``macs`` leaves out."""
    return sum(layer.elementwise for layer in layers)


@dataclass(frozen=True)
class Ratio:
    """Cost of a norm over that of the convolution after it.

    Attributes:
        norm: name of the norm.
        conv: name of the convolution.
        parameters: ratio of the parameters.
        macs: ratio of the work: dense multiply-accumulates where the norm has convolutions of feature width, the
            elementwise operations otherwise.
    """

    norm: str
    conv: str
    parameters: float
    macs: float


def _pairs(layers: Sequence[Layer]) -> list[tuple[Layer, Layer]]:
    norms = {layer.name: layer for layer in layers if layer.kind == "norm"}
    return [(norms[layer.follows], layer) for layer in layers if layer.kind == "conv" and layer.follows in norms]


def _dense(norm: Layer) -> bool:
    """Whether the norm's convolutions do more than its scale and shift (SPADE; not CLADE's edge, not ICPE)."""
    return norm.macs > norm.elementwise


def _published_costs(norm: Layer, conv: Layer) -> tuple[int, int, int, int]:
    pixels = norm.size[0] * norm.size[1]
    p_conv = 9 * norm.channels_in * conv.channels_out
    # One operation an element, where Eq. 9 has two: the published 0.07 % and 0.14 % need it.
    f_norm = norm.weights * pixels if _dense(norm) else norm.elementwise // 2
    return norm.weights, p_conv, f_norm, p_conv * pixels


def _measured_costs(norm: Layer, conv: Layer) -> tuple[int, int, int, int]:
    return norm.parameters, conv.parameters, norm.macs + norm.elementwise, conv.macs


CONVENTIONS = {"published": _published_costs, "measured": _measured_costs}
"""How the ratios count.

``published`` reproduces Figure 5 of arXiv:2012.04644: weights without biases, every convolution as 3x3 (the 1x1
shortcuts, too), no appended channel, scale and shift as one operation an element and left out beside SPADE's
convolutions. ``measured`` takes everything as it is.
"""


def ratios(layers: Sequence[Layer], convention: str = "measured") -> list[Ratio]:
    """Norm over convolution, layer by layer (Figure 5, left)."""
    found = []
    for norm, conv in _pairs(layers):
        p_norm, p_conv, f_norm, f_conv = CONVENTIONS[convention](norm, conv)
        found.append(Ratio(norm.name, conv.name, p_norm / p_conv, f_norm / f_conv))
    return found


def total_ratio(layers: Sequence[Layer], convention: str = "measured") -> dict[str, float]:
    """All norms over all convolutions that follow one: ``parameters`` and ``macs``."""
    costs = [CONVENTIONS[convention](norm, conv) for norm, conv in _pairs(layers)]
    p_norm, p_conv, f_norm, f_conv = (sum(column) for column in zip(*costs, strict=True)) if costs else (0, 1, 0, 1)
    return {"parameters": p_norm / p_conv, "macs": f_norm / f_conv}
