"""The released SEAN: styles at every pixel, one picture and class after the other."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.complexity.released.block import ReleasedBlock, ReleasedNorm
from semsynth.complexity.released.maps import Maps
from semsynth.generators.base import BaseGenerator
from semsynth.generators.sean import SEANGenerator
from semsynth.norms.ace import ACE
from semsynth.norms.label_branch import BankBranch, NetworkBranch
from semsynth.semantics import Reading, Semantics
from semsynth.style import Style


class PublishedStyles:
    """Gamma, to which 1 is added, and beta (N,C,H,W) of one-hot maps (N,K,H,W), with the weights of an ACE.

    >>> norm, codes = ACE(4, num_classes=2, codes=3, hidden=5), torch.randn(1, 2, 3)
    >>> one_hot = torch.eye(2).view(1, 2, 1, 2)  # class 0, class 1
    >>> [tuple(part.shape) for part in PublishedStyles(norm)(one_hot, Style(classes=codes))]
    [(1, 4, 1, 2), (1, 4, 1, 2)]
    """

    def __init__(self, norm: ACE) -> None:
        self.norm = norm

    def __call__(self, classes: Tensor, style: Style | None) -> tuple[Tensor, Tensor]:
        """Of maps at some size, in a style."""
        norm, (gamma, beta) = self.norm, self._of_labels(classes)
        if not norm.reads_style:
            return gamma, beta
        styles = self._styles(classes, style)
        share_gamma, share_beta = torch.sigmoid(norm.blend_gamma), torch.sigmoid(norm.blend_beta)
        return (share_gamma * norm.gamma(styles) + (1 - share_gamma) * gamma,
                share_beta * norm.beta(styles) + (1 - share_beta) * beta)

    def _of_labels(self, classes: Tensor) -> tuple[Tensor, Tensor]:
        branch = self.norm.labels
        if isinstance(branch, BankBranch):
            index = classes.argmax(1)
            gamma, beta = (F.embedding(index, table).permute(0, 3, 1, 2) for table in (branch.gamma, branch.beta))
            return gamma, beta
        assert isinstance(branch, NetworkBranch)
        hidden = F.relu(branch.shared(classes))
        return branch.gamma(hidden), branch.beta(hidden)

    def _styles(self, classes: Tensor, style: Style | None) -> Tensor:
        """The map of all classes' codes behind their layers, (N,Z,H,W)."""
        if style is None or style.classes is None:
            raise ValueError("this network reads a style for each class")
        project, codes = self.norm.project, style.classes
        pictures = []
        for picture, own in zip(classes, codes.to(project.weight), strict=True):
            shown = picture.new_zeros(project.outputs, *picture.shape[1:])
            for index, region in enumerate(picture > 0):
                if region.any():
                    code = F.relu(F.linear(own[index], project.weight[index], project.bias[index]))
                    shown = torch.where(region, code[:, None, None], shown)
            pictures.append(shown)
        return torch.stack(pictures)


class PublishedACE(ReleasedNorm):
    """ACE as published, with the weights of one of ours: x (N,C,H,W) and maps at full size -> (N,C,H,W).

    Raises:
        ValueError: a norm that the paper does not have.
    """

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        if not isinstance(norm, ACE):
            raise ValueError(f"formulation=published knows SEAN with ACE, not with {type(norm).__name__}: take "
                             "formulation=fast")
        self.norm = norm

    def forward(self, x: Tensor, maps: Maps, style: Style | None = None) -> Tensor:
        """Add noise, normalise and modulate."""
        gamma, beta = PublishedStyles(self.norm)(maps.at(*x.shape[-2:]).condition(False), style)
        out: Tensor = self.norm.base(self.norm.received(x, style)) * (1 + gamma) + beta
        return out


class PublishedSEAN(BaseGenerator):
    """A generator as published, with the layers of one of ours, which stays as it is and shares all weights.

    Raises:
        ValueError: a norm that the paper does not have.
    """

    def __init__(self, generator: SEANGenerator) -> None:
        super().__init__(generator.size, generator.out_channels)
        self.fc, self.conv_img, self.codes = generator.fc, generator.conv_img, generator.codes
        self.blocks = nn.ModuleList(ReleasedBlock(block, PublishedACE) for block in generator.blocks.values())
        self._upsample, self.styled = list(generator._upsample), generator.styled
        self.draw_style, self.completed = generator.draw_style, generator.completed  # type: ignore[method-assign]
        self._read, self._stride = generator.read, 2 ** generator.upsamplings

    def readings(self, h: int, w: int) -> list[Reading]:
        """None: label maps are not prepared, every norm resizes them anew."""
        return []

    def forward(self, semantics: Semantics, style: Style | None = None) -> Tensor:
        """Label maps, in a style, to images (N,3,H,W) in [-1,1]."""
        style, maps = self._read(semantics, style), Maps.of(semantics)
        h, w = semantics.size
        x = self.fc(maps.at(h // self._stride, w // self._stride).condition(False))
        for upsample, block in zip(self._upsample, self.blocks, strict=True):
            x = F.interpolate(x, scale_factor=2.0, mode="nearest") if upsample else x
            x = block(x, maps, style)
        return torch.tanh(self.conv_img(F.leaky_relu(x, 0.2)))
