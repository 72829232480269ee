"""Instance-adaptive denormalisation: every instance has scale and shift of its own, drawn about those of its class."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from semsynth.modulation.modulation import Modulation
from semsynth.norms.base import BaseNorm, Norm, batch_norm
from semsynth.semantics import Semantics
from semsynth.semantics.regions import by_region


class INADE(Norm):
    """INADE (arXiv:2103.10868): gamma and beta of an instance are linear in its noise, with a class's coefficients.

    out = norm(x) * gamma + beta, x (N,C,H,W). Of instance i of class c, gamma = weight[c,:,0] * F(s) + bias[c,:,0] and
    beta = weight[c,:,1] * F(t) + bias[c,:,1]; F is one linear layer, (s, t) the two halves of the instance's code of
    2 * `noise` numbers, the same in all norms. Codes by class serve all instances of a class. Edges are not read.

    >>> from semsynth.style import Style
    >>> labels, instances = torch.zeros(1, 16, 16, dtype=torch.int64), torch.arange(16).expand(1, 16, 16) // 8
    >>> norm, x = INADE(channels=4, num_classes=2, noise=3).eval(), torch.randn(1, 4, 16, 16)
    >>> codes = torch.randn(1, 2, 6)
    >>> other = torch.stack([codes[:, 0], torch.randn(1, 6)], 1)  # of the instance on the right alone
    >>> a, b = (norm(x, Semantics(labels, 2, instances=instances), Style(instances=c)) for c in (codes, other))
    >>> torch.equal((a != b).any(1), instances == 1)
    True
    """

    needs = frozenset({"regions"})
    class_indexed = {"weight": 0, "bias": 0}
    reads_style = True

    def __init__(self, channels: int, num_classes: int, base: BaseNorm = batch_norm, *, noise: int = 64) -> None:
        super().__init__(channels, num_classes, base)
        self.noise, self.class_codes = noise, 2 * noise
        self.weight = nn.Parameter(torch.rand(num_classes, channels, 2))
        self.bias = nn.Parameter(torch.zeros(num_classes, channels, 2))
        self.project = nn.Linear(noise, channels)

    def modulation(self, view: Semantics, style: Any = None) -> tuple[Tensor, Tensor]:
        """Gamma and beta of every pixel's instance; a soft map is read as its argmax."""
        gamma, beta = self._rows(view, style)
        regions = view.labels if style.instances is None else view.regions().index
        return by_region(gamma, regions), by_region(beta, regions)

    def tables(self, view: Semantics, style: Any = None) -> Modulation | None:
        """A row for each instance of each picture, or for each class of it."""
        gamma, beta = (rows.flatten(0, 1) for rows in self._rows(view, style))
        lookup = view.by_class(by_picture=True) if style.instances is None else view.by_region()
        return Modulation(gamma, beta, lookup)

    def _rows(self, view: Semantics, style: Any) -> tuple[Tensor, Tensor]:
        """Gamma and beta (N,I,C) of instances, or (N,K,C) of classes.

        Raises:
            ValueError: the style has no such codes, or for fewer instances.
        """
        codes = style.classes if style.instances is None else style.instances
        if codes is None or codes.shape[2] != self.class_codes:
            raise ValueError(f"this network reads a code of {self.class_codes} numbers for each instance: give a style "
                             f"with instances=(N,I,{self.class_codes}) or classes=(N,K,{self.class_codes})")
        if style.instances is None:
            weight: Tensor = self.weight
            bias: Tensor = self.bias
        else:
            classes = view.regions().classes
            if codes.shape[1] < classes.shape[1]:
                raise ValueError(f"a style has codes for {codes.shape[1]} instances, the label maps have "
                                 f"{classes.shape[1]}: such a style belongs to the label maps that it was made for")
            codes, classes = codes[:, :classes.shape[1]], classes.clamp_min(0)  # nobody reads rows of what is not there
            weight, bias = self.weight[classes], self.bias[classes]
        drawn = self.project(codes.to(self.weight).unflatten(2, (2, self.noise)))  # (N,I,2,C)
        gamma, beta = torch.addcmul(bias, weight, drawn.transpose(2, 3)).unbind(3)
        return gamma, beta
