"""Conditional group normalisation: SPADE whose convolutions keep groups of channels apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.modulation.modulation import Modulation
from semsynth.norms.base import BaseNorm, Norm, batch_norm
from semsynth.norms.label_network import PatchNetwork, label_rows
from semsynth.norms.schedule import NormFactory, Schedule
from semsynth.norms.spade import DENSE_PIXELS
from semsynth.semantics import Semantics

PerBlock = int | Sequence[int]
"""A number for all blocks of a generator, or one for each."""


class GroupSPADE(Norm):
    """Conditional group normalisation of GroupDNet (arXiv:2003.12697): SPADE with grouped convolutions.

    out = norm(x) * (1 + gamma(m)) + beta(m), x (N,C,H,W). The first 3x3 convolution reads the class channels in
    order, with `edges` each followed by the edge map, so that a group of channels sees its classes alone; with as many
    groups as classes everywhere a class's channels depend on its own mask only.

    As of SPADE, gamma and beta are computed once for each distinct 5x5 patch of a prepared label map, group by group.

    >>> labels = torch.zeros(1, 16, 16, dtype=torch.int64)
    >>> other = labels.clone()
    >>> other[:, 8] = 2  # instead of class 0
    >>> norm, x = GroupSPADE(6, num_classes=3, groups=3).eval(), torch.randn(1, 6, 16, 16)
    >>> change = norm(x, Semantics(other, 3)) - norm(x, Semantics(labels, 3))
    >>> (change.abs().amax((0, 2, 3)) > 1e-5).tolist()  # two channels for each class
    [True, True, False, False, True, True]

    Args:
        channels: C of the features.
        num_classes: Classes of the label maps, the unknown class included.
        base: Makes the normalisation without parameters.
        groups: Of the channels.
        edges: Whether the first convolution reads the instance edges beside each class.
        hidden: Channels between the convolutions, brought up to a multiple of both groups.
        hidden_groups: Of the first convolution; None: `groups`.
        output_groups: Of the two others; None: `groups`.

    Raises:
        ValueError: a number of groups does not divide the channels.
    """

    residual = True
    linear_in = ("gamma", "beta")

    def __init__(self, channels: int, num_classes: int, base: BaseNorm = batch_norm, *, groups: int = 1,
                 edges: bool = False, hidden: int = 128, hidden_groups: int | None = None,
                 output_groups: int | None = None) -> None:
        super().__init__(channels, num_classes, base)
        first, second = hidden_groups or groups, output_groups or groups
        if num_classes % first or channels % second:
            raise ValueError(f"{first} groups must divide {num_classes} classes, and {second} groups {channels} "
                             "channels: see generator.groups, norm.hidden_groups and norm.output_groups")
        step = math.lcm(first, second)
        hidden = -(-hidden // step) * step
        self.edges, self.needs = edges, frozenset({"patches with edges" if edges else "patches"})
        self.shared = nn.Conv2d(num_classes * (1 + edges), hidden, 3, padding=1, groups=first)
        self.gamma = nn.Conv2d(hidden, channels, 3, padding=1, groups=second)
        self.beta = nn.Conv2d(hidden, channels, 3, padding=1, groups=second)

    @property
    def reach(self) -> int:
        """Two 3x3 convolutions, one behind the other."""
        return 2

    def needed(self, h: int, w: int) -> frozenset[str]:
        """Patches, but on a GPU those of large maps only."""
        return frozenset() if self.shared.weight.is_cuda and h * w <= DENSE_PIXELS else self.needs

    def modulation(self, view: Semantics, style: Any = None) -> tuple[Tensor, Tensor]:
        """All convolutions at every pixel."""
        maps = view.one_hot(dtype=self.shared.weight.dtype)
        if self.edges:
            maps = torch.stack([maps, view.require_edges().to(maps).expand_as(maps)], 2).flatten(1, 2)
        hidden = F.relu(self.shared(maps))
        return self.gamma(hidden), self.beta(hidden)

    def tables(self, view: Semantics, style: Any = None) -> Modulation | None:
        """1 + gamma and beta of every distinct patch; None where the view holds no patches."""
        patches = view.patches(edges=self.edges)
        if patches is None:
            return None
        shared_bias, factor, shift = (layer.bias for layer in (self.shared, self.gamma, self.beta))
        assert shared_bias is not None
        assert factor is not None
        assert shift is not None
        rows = label_rows(_of_classes(self.shared, edges=self.edges), edges=self.edges)
        second = torch.stack([_by_group(layer) for layer in (self.gamma, self.beta)], 3)  # (g,hidden/g,9,2,C/g)
        network = GroupedPatchNetwork(rows, shared_bias, second, torch.cat([1 + factor, shift]))
        gamma, beta = network(patches).chunk(2, 1)
        return Modulation(gamma, beta, patches.lookup)


class GroupedPatchNetwork(PatchNetwork):
    """A `PatchNetwork` whose second convolutions are grouped: weight (g,hidden/g,9,2,C/g), of two to C channels.

    >>> network = GroupedPatchNetwork(torch.zeros(0), torch.zeros(6), torch.ones(2, 3, 9, 2, 2), torch.zeros(8))
    >>> of_first_group = torch.tensor([[1.0, 1.0, 1.0, 0.0, 0.0, 0.0]])
    >>> network.placed(of_first_group).view(9, 2, 4)[0].tolist()  # scale and shift of four channels, two a group
    [[3.0, 3.0, 0.0, 0.0], [3.0, 3.0, 0.0, 0.0]]
    """

    def placed(self, features: Tensor) -> Tensor:
        """What features (S,hidden) add at each of nine places, (S,9*2*C), the bias in the middle."""
        groups, inputs, *rest = self.weight.shape
        by_group = features.view(len(features), groups, inputs).transpose(0, 1)
        added = torch.bmm(by_group, self.weight.flatten(2)).view(groups, len(features), *rest)
        rows = added.permute(1, 2, 3, 0, 4).reshape(len(features), 9, -1)
        return (rows + F.pad(self.bias[None], (0, 0, 4, 4))).flatten(1)


def _by_group(layer: nn.Conv2d) -> Tensor:
    """The weight (C,hidden/g,3,3) of a grouped convolution as (g,hidden/g,9,C/g)."""
    return layer.weight.view(layer.groups, -1, *layer.weight.shape[1:]).flatten(3).permute(0, 2, 3, 1)


def _of_classes(layer: nn.Conv2d, *, edges: bool) -> Tensor:
    """The weight of the first convolution as one (hidden,K[+1],3,3) without groups, of the edge map once."""
    outputs, inputs, *kernel = layer.weight.shape
    apart = torch.eye(layer.groups, device=layer.weight.device, dtype=layer.weight.dtype)
    grouped = layer.weight.view(layer.groups, outputs // layer.groups, inputs, *kernel)
    dense = torch.einsum("goiyx,gh->gohiyx", grouped, apart).reshape(outputs, -1, *kernel)
    if not edges:
        return dense
    classes, copies = dense.unflatten(1, (-1, 2)).unbind(2)
    return torch.cat([classes, copies.sum(1, keepdim=True)], 1)


class Grouped(Schedule):
    """`GroupSPADE` in every block of GroupDNet's generator, with the block's number of groups.

    >>> schedule = Grouped(hidden=[4, 6]).following([2, 1])
    >>> [(n.shared.groups, n.shared.out_channels) for n in (schedule(b)(8, num_classes=2) for b in (1, 2))]
    [(2, 4), (1, 6)]

    Args:
        base: Makes the normalisation without parameters.
        edges: Whether instance edges are read.
        hidden: Channels between the convolutions, of all blocks or of each.
        hidden_groups: Groups of the first convolution; None: those of the block.
        output_groups: Groups of the two others; None: those of the block.
    """

    def __init__(self, base: BaseNorm = batch_norm, *, edges: bool = False, hidden: PerBlock = 128,
                 hidden_groups: PerBlock | None = None, output_groups: PerBlock | None = None) -> None:
        self.base, self.edges = base, edges
        self.options = {"hidden": hidden, "hidden_groups": hidden_groups, "output_groups": output_groups}
        self.groups: Sequence[int] | None = None

    def following(self, groups: Sequence[int]) -> Grouped:
        """The schedule of a generator with these groups in its blocks.

        Raises:
            ValueError: an option has another number of entries.
        """
        for name, value in self.options.items():
            if isinstance(value, Sequence) and len(value) != len(groups):
                raise ValueError(f"norm.{name} has {len(value)} entries for {len(groups)} blocks: give one for each, "
                                 "or one number for all")
        made = Grouped(self.base, edges=self.edges, **self.options)  # type: ignore[arg-type]
        made.groups = groups
        return made

    def __call__(self, block: int) -> NormFactory:
        """The factory for one block.

        Raises:
            ValueError: the generator has no groups.
        """
        if self.groups is None:
            raise ValueError("norm=group belongs to a generator with groups of channels: take generator=groupdnet")
        options = {name: value[block - 1] if isinstance(value, Sequence) else value
                   for name, value in self.options.items()}
        return partial(GroupSPADE, base=self.base, groups=self.groups[block - 1], edges=self.edges,
                       **options)  # type: ignore[arg-type]
