"""SEAN's styles in the formulation of the released network: at every pixel, one picture and class after the other."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from semsynth.norms.ace import ACE
from semsynth.norms.label_branch import BankBranch, NetworkBranch
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
