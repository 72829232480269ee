"""What labels say in a norm that reads more than labels: SPADE's network, or CLADE's banks, without a normalisation."""

from __future__ import annotations

from typing import Literal, Protocol, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.modulation.modulation import Modulation
from semsynth.norms.clade import _rows
from semsynth.norms.label_network import PatchNetwork, hidden_features, label_rows
from semsynth.semantics import Semantics
from semsynth.semantics.patches import Patches

BankStart = Literal["one_plus", "raw"]


class LabelBranch(Protocol):
    """Gamma, to which 1 is added, and beta of a label map.

    Attributes:
        needs: What is looked up in a label map where `tables` alone are read.
    """

    needs: frozenset[str]

    def maps(self, view: Semantics) -> tuple[Tensor, Tensor]:
        """At every pixel, (N,C,H,W) each."""

    def tables(self, view: Semantics) -> Modulation | None:
        """As tables, gamma the whole factor; None where the view has no such form."""

    def by_patch(self, patches: Patches, pictures: int) -> Tensor:
        """Of the distinct 5x5 patches of each picture, (R,2*C)."""


class NetworkBranch(nn.Module):
    """SPADE's (arXiv:1903.07291): a shared 3x3 convolution with ReLU, one 3x3 convolution to each.

    >>> gamma, beta = NetworkBranch(4, num_classes=2).maps(Semantics(torch.zeros(1, 8, 8, dtype=torch.int64), 2))
    >>> tuple(gamma.shape), tuple(beta.shape)
    ((1, 4, 8, 8), (1, 4, 8, 8))
    """

    needs = frozenset({"patches"})
    class_indexed = {"shared.weight": 1}

    def __init__(self, channels: int, num_classes: int, hidden: int = 128) -> None:
        super().__init__()
        self.shared = nn.Conv2d(num_classes, hidden, 3, padding=1)
        self.gamma = nn.Conv2d(hidden, channels, 3, padding=1)
        self.beta = nn.Conv2d(hidden, channels, 3, padding=1)

    def maps(self, view: Semantics) -> tuple[Tensor, Tensor]:
        """All convolutions at every pixel."""
        hidden = hidden_features(self.shared, view, edges=False)
        return self.gamma(hidden), self.beta(hidden)

    def tables(self, view: Semantics) -> Modulation | None:
        """By patch; None without patches."""
        if (patches := view.patches()) is None:
            return None
        gamma, beta = self.by_patch(patches, 1).chunk(2, 1)
        return Modulation(1 + gamma, beta, patches.lookup)

    def by_patch(self, patches: Patches, pictures: int) -> Tensor:
        """Both once for each distinct patch; a class adds the same in all pictures."""
        rows, bias = label_rows(self.shared.weight, edges=False).unflatten(0, (9, -1)), self.shared.bias
        assert bias is not None
        classes, border = rows[:, None, :-1].expand(-1, pictures, -1, -1).flatten(1, 2), rows[:, -1:]
        weight = torch.cat([self.gamma.weight, self.beta.weight]).permute(1, 2, 3, 0).reshape(len(bias), -1)
        second_bias = torch.cat([self.gamma.bias, self.beta.bias])  # type: ignore[list-item]
        return PatchNetwork(torch.cat([classes, border], 1).flatten(0, 1), bias, weight, second_bias)(patches)


class BankBranch(nn.Module):
    """CLADE's (arXiv:2012.04644): two banks of one row a class.

    CLADE's own gamma is the whole factor and starts in U(0,1); this one is added to 1. No paper says how the two go
    together. With `one_plus` the bank starts at U(0,1) - 1, so that the factor starts as CLADE's; with `raw` at U(0,1).

    >>> branch = BankBranch(4, num_classes=2)
    >>> bool((branch.gamma <= 0).all()), bool((BankBranch(4, 2, start="raw").gamma >= 0).all())
    (True, True)

    Raises:
        ValueError: another `start`.
    """

    needs = frozenset({"classes"})
    class_indexed = {"gamma": 0, "beta": 0}

    def __init__(self, channels: int, num_classes: int, start: BankStart = "one_plus") -> None:
        super().__init__()
        if start not in get_args(BankStart):
            raise ValueError(f"norm.bank must be {' or '.join(get_args(BankStart))}, got {start!r}")
        self.num_classes = num_classes
        self.gamma = nn.Parameter(torch.rand(num_classes, channels) - float(start == "one_plus"))
        self.beta = nn.Parameter(torch.zeros(num_classes, channels))

    def maps(self, view: Semantics) -> tuple[Tensor, Tensor]:
        """The rows of the banks, by class at every pixel."""
        return _rows(self.gamma, view), _rows(self.beta, view)

    def tables(self, view: Semantics) -> Modulation | None:
        """By class; None for a soft map."""
        return Modulation(1 + self.gamma, self.beta, view.by_class()) if view.probabilities is None else None

    def by_patch(self, patches: Patches, pictures: int) -> Tensor:
        """The rows of the class in the middle of each patch."""
        codes = 1 + pictures * self.num_classes
        middle = patches.codes[:, 4].index_select(0, patches.near[:, 4] // 9) - 4 * codes
        return F.embedding(middle % self.num_classes, torch.cat([self.gamma, self.beta], 1))
