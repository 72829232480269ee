"""ACE, the norm of SEAN: styles by region beside the label map, and noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.layers.class_linear import ClassLinear
from semsynth.modulation.modulation import Modulation
from semsynth.modulation.sums import sum_of_rows
from semsynth.norms.base import BaseNorm, Norm, batch_norm
from semsynth.norms.label_branch import BankBranch, BankStart, LabelBranch, NetworkBranch
from semsynth.norms.noise import spread
from semsynth.semantics import Semantics
from semsynth.semantics.patches import Patches


class ACE(Norm):
    """ACE as in SEAN (arXiv:1911.12861): gamma and beta are blended of those of styles and those of labels.

    out = norm(x + v * n) * (1 + gamma) + beta, with n one N(0,1) map for all channels and v (C,) learned; gamma =
    a * gamma_s + (1 - a) * gamma_o, beta likewise with a weight of its own, a = sigmoid of a learned number. gamma_o,
    beta_o are SPADE's. For gamma_s, beta_s the code of each class in its picture passes a linear layer of the class and
    ReLU, stands at all pixels of the class, and a 3x3 convolution to each of the two follows. Without `styled` there is
    the noise and the label branch alone, as in SEAN's last block.

    A map that is constant on every region makes gamma_s a sum of nine rows, of small tables that each picture has: so
    gamma and beta are computed once for each distinct 5x5 patch of labels of a picture, the same numbers for less.

    >>> from semsynth.style import Style
    >>> labels = torch.arange(16).expand(1, 16, 16) // 8  # class 0 left, class 1 right
    >>> norm, x = ACE(channels=4, num_classes=2, codes=3).eval(), torch.randn(1, 4, 16, 16)
    >>> style, other = (Style(classes=codes) for codes in torch.randn(2, 1, 2, 3))
    >>> before, after = (norm(x, Semantics(labels, 2), s) for s in (style, style.with_class(1, other)))
    >>> (before != after).any(1)[0, 0].nonzero().flatten().tolist()  # class 1, and the pixel beside it
    [7, 8, 9, 10, 11, 12, 13, 14, 15]

    Args:
        channels: C of the features.
        num_classes: Classes of the label maps, the unknown class included.
        base: Makes the normalisation without parameters.
        codes: Length of a class's code.
        styled: Whether styles are read.
        hidden: Width of SPADE's modulation.

    Attributes:
        layer: Which channel of a style's noise maps it reads, where a style has some.
    """

    residual = True

    def __init__(self, channels: int, num_classes: int, base: BaseNorm = batch_norm, *, codes: int = 512,
                 styled: bool = True, hidden: int = 128) -> None:
        super().__init__(channels, num_classes, base)
        self._build(codes, styled)
        self.labels: LabelBranch = NetworkBranch(channels, num_classes, hidden)
        self._settle()

    def _build(self, codes: int, styled: bool) -> None:
        """All but the label branch."""
        self.reads_style, self.class_codes, self.layer = styled, codes if styled else 0, 0
        self.noise_scale = nn.Parameter(torch.zeros(self.channels))
        # without styles nothing reads these two: the published networks have them all the same
        self.blend_gamma, self.blend_beta = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
        if styled:
            self.project = ClassLinear(self.num_classes, codes, codes)
            self.gamma = nn.Conv2d(codes, self.channels, 3, padding=1)
            self.beta = nn.Conv2d(codes, self.channels, 3, padding=1)

    def _settle(self) -> None:
        self.needs = frozenset({"patches by picture"}) if self.reads_style else self.labels.needs

    @property
    def reach(self) -> int:
        """That of SPADE, at most: 5x5 labels around a pixel."""
        return 2

    def received(self, x: Tensor, style: Any = None) -> Tensor:
        """x and noise: that of the style where it has some, resized (nearest), otherwise drawn."""
        given = None if style is None else style.noise
        if given is None:
            noise = torch.randn(len(x), 1, *x.shape[2:], device=x.device, dtype=x.dtype)
        else:
            if given.shape[1] <= self.layer:
                raise ValueError(f"this network adds noise in {self.layer + 1} norms or more, a map to each: a style "
                                 f"with noise has as many channels, got {given.shape[1]}")
            noise = F.interpolate(given[:, self.layer:self.layer + 1].to(x), x.shape[2:], mode="nearest")
        return torch.addcmul(x, self.noise_scale.to(x).view(-1, 1, 1), noise)

    def modulation(self, view: Semantics, style: Any = None) -> tuple[Tensor, Tensor]:
        """All layers at every pixel."""
        of_labels = self.labels.maps(view)
        if not self.reads_style:
            return of_labels
        styles = spread(self._projected(style), view)
        of_styles = self.gamma(styles), self.beta(styles)
        gamma, beta = (torch.lerp(labels, own.to(labels), share.to(labels)) for labels, own, share in
                       zip(of_labels, of_styles, self._shares(), strict=True))
        return gamma, beta

    def tables(self, view: Semantics, style: Any = None) -> Modulation | None:
        """1 + gamma and beta of every distinct patch of each picture; None without patches."""
        if not self.reads_style:
            return self.labels.tables(view)
        if (patches := view.patches(by_picture=True)) is None:
            return None
        of_labels = self.labels.by_patch(patches, len(view)).chunk(2, 1)
        codes = self._projected(style)
        shares, layers = self._shares(), (self.gamma, self.beta)
        gamma, beta = (torch.lerp(labels, _by_patch(codes, layer, patches).to(labels), share.to(labels)) for
                       labels, layer, share in zip(of_labels, layers, shares, strict=True))
        return Modulation(1 + gamma, beta, patches.lookup)

    def _projected(self, style: Any) -> Tensor:
        """What stands at the pixels of each class, (N,K,Z)."""
        codes: Tensor | None = style.classes
        if codes is None or codes.shape[1:] != (self.num_classes, self.class_codes):
            got = f"{', '.join(style.codes())} alone" if codes is None else f"{tuple(codes.shape)}"
            raise ValueError(f"this network reads a style for each class: give classes=(N,{self.num_classes},"
                             f"{self.class_codes}), got {got}")
        return F.relu(self.project(codes.to(self.project.weight)))

    def _shares(self) -> tuple[Tensor, Tensor]:
        """Of the styles, in gamma and in beta."""
        return torch.sigmoid(self.blend_gamma), torch.sigmoid(self.blend_beta)

    def arrange_(self) -> None:
        """The 3x3 convolutions of codes with their inputs last: the products read them so."""
        for layer in (self.gamma, self.beta) if self.reads_style else ():
            layer.to(memory_format=torch.channels_last)

    def folded(self) -> Callable[[Semantics], None] | None:
        """None: there is noise, and the rows are not the label map's alone."""
        return None

    def fold_(self) -> bool:
        """False: the noise comes before the statistics."""
        return False


class ACE_CLADE(ACE):
    """ACE whose label branch is CLADE's banks of one row a class, as in SEAN-CLADE (arXiv:2012.04644, Table VIII).

    How the bank's gamma enters is not published: see `semsynth.norms.label_branch.BankBranch`.

    >>> norm = ACE_CLADE(channels=4, num_classes=2, codes=3)
    >>> [tuple(bank.shape) for bank in (norm.labels.gamma, norm.labels.beta)]
    [(2, 4), (2, 4)]

    Args:
        channels, num_classes, base, codes, styled: As for `ACE`.
        bank: Where the banks' gammas start: `one_plus` at U(0,1) - 1, `raw` at U(0,1).
    """

    def __init__(self, channels: int, num_classes: int, base: BaseNorm = batch_norm, *, codes: int = 512,
                 styled: bool = True, bank: BankStart = "one_plus") -> None:
        Norm.__init__(self, channels, num_classes, base)
        self._build(codes, styled)
        self.labels = BankBranch(channels, num_classes, bank)
        self._settle()


def _by_patch(codes: Tensor, layer: nn.Conv2d, patches: Patches) -> Tensor:
    """A 3x3 convolution of a map with the codes (N,K,Z) of its regions, once for each distinct patch: (R,C)."""
    weight = layer.weight  # (C,Z,3,3)
    placed = codes.flatten(0, 1) @ weight.permute(0, 2, 3, 1).reshape(-1, codes.shape[2]).t()  # (N*K,C*9)
    rows = placed.view(-1, len(weight), 9).permute(2, 0, 1)
    rows = F.pad(rows, (0, 0, 0, 1)).flatten(0, 1)  # a convolution sees zeros beyond the border
    sums = sum_of_rows(rows, patches.codes, patches.codes_back)
    bias = layer.bias
    assert bias is not None
    return sum_of_rows(sums + bias, patches.near[:, 4:5] // 9)
