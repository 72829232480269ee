"""The generator of GroupDNet: every class has its own channels, which join towards the image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.generators.spade import SPADEGenerator, start_grid
from semsynth.layers.doublings import doublings
from semsynth.layers.init import initialise
from semsynth.norms.base import Norm
from semsynth.norms.group import Grouped
from semsynth.norms.schedule import NormFactory, Schedule
from semsynth.semantics import Semantics
from semsynth.style import Normal, Style

BLOCKS = (("head_0", None), ("G_middle_0", 5), ("G_middle_1", 6), ("up_0", 4), ("up_1", 3), ("up_2", 2), ("up_3", 1))
WIDTHS = (16, 16, 16, 8, 4, 2, 1)
SHARES = (1, 1, 2, 2, 4, 4)  # of the classes, by block: 8, 8, 4, 4, 2, 2, 1 groups for the eight of DeepFashion


def falling_groups(num_classes: int, channels: Sequence[int]) -> list[int]:
    """Groups for each block, which fall towards the image as the published ones do for DeepFashion.

    >>> falling_groups(8, [160 * width for width in (16, *WIDTHS)])
    [8, 8, 4, 4, 2, 2, 1]

    Args:
        num_classes: As many groups as there can be.
        channels: Into the first block, and out of each.
    """
    groups: list[int] = []
    for share, before, after in zip(SHARES, channels, channels[1:], strict=False):
        common, most = math.gcd(before, after), min([max(1, num_classes // share), *groups])
        groups.append(max(g for g in range(1, most + 1) if common % g == 0))
    return [*groups, 1]


class GroupDNetGenerator(SPADEGenerator):
    """Generator of GroupDNet (arXiv:2003.12697), and of GroupDNet-CLADE (arXiv:2012.04644) with CLADE's norm.

    The style is a code for each class, `code` channels of the start grid. A 3x3 convolution with as many groups as
    classes makes the start grid, then seven residual blocks follow as in SPADE's generator, with `groups` of channels
    that fall towards the image: while there are as many as classes, a code reaches its class's channels alone. The
    label map is read by the norms only; published is `semsynth.norms.group.Grouped`.

    >>> from semsynth.norms.clade import CLADE
    >>> generator = GroupDNetGenerator(CLADE, num_classes=3, size=(16, 16), ngf=3)
    >>> generator.groups
    [3, 3, 1, 1, 1, 1, 1]
    >>> semantics = generator.prepare(Semantics(torch.zeros(2, 16, 16, dtype=torch.int64), 3))
    >>> style = generator.draw_style(2)
    >>> tuple(style.classes.shape), tuple(generator(semantics, style).shape)
    ((2, 3, 128), (2, 3, 16, 16))

    Shapes:
        semantics: Labels (N,H,W), prepared with `generator.prepare`.
        style: Codes of classes (N,K,code*h*w) for a start grid (h,w) of the training size, drawn from N(0, 1) when
            None; `Style.with_class` changes one class.
        output: (N, out_channels, H, W) in [-1, 1]; of another size than in training, codes are resized (nearest).

    Args:
        norm: Norm factory (channels, num_classes) -> Norm, or a `Schedule` of them by block.
        num_classes: Label channels, the unknown class included.
        size: (H, W) of the training images.
        ngf: Width of the last block, as a rule.
        code: Channels of a class's code.
        groups: Of the channels of each of the seven blocks; None: see `falling_groups`.
        widths: Channels out of each block as multiples of `ngf`; the start grid has those of the first.
        upsamplings: Number of x2 upsamplings, None to let the size decide: from 4 on its shorter side, at most six.
        out_channels: Channels of the image.
        init_gain: Gain of the Xavier-normal initialisation.
        checkpointing: Keep only the blocks' inputs for the backward pass: less memory, one more forward of time.

    Raises:
        ValueError: the classes do not divide the channels of the start grid, the groups not those of a block, or the
            upsamplings not the size; says what does.
    """

    def __init__(self, norm: NormFactory | Schedule, num_classes: int, *, size: tuple[int, int] = (256, 256),
                 ngf: int = 64, code: int = 8, groups: Sequence[int] | None = None, widths: Sequence[float] = WIDTHS,
                 upsamplings: int | None = None, out_channels: int = 3, init_gain: float = 0.02,
                 checkpointing: bool = False) -> None:
        for name, values in (("widths", widths), ("groups", groups)):
            if values is not None and len(values) != len(BLOCKS):
                raise ValueError(f"generator.{name} must have {len(BLOCKS)} entries, a number for each block, got "
                                 f"{len(values)}")
        channels = [int(width * ngf) for width in (widths[0], *widths)]
        if code < 1 or channels[0] % num_classes:
            step = num_classes // math.gcd(num_classes, int(widths[0])) if float(widths[0]).is_integer() else 0
            more = f", as with generator.ngf={max(1, round(ngf / step)) * step}" if step else ""
            raise ValueError(f"generator.code={code} channels a class, and {channels[0]} channels at the start for "
                             f"{num_classes} classes: each class needs one or more, and as many as the others{more}")
        # plain values, after which the blocks are built
        self.groups = falling_groups(num_classes, channels) if groups is None else list(groups)
        self.plan = [(name, width, at) for (name, at), width in zip(BLOCKS, widths, strict=True)]
        if isinstance(norm, Grouped):
            norm = norm.following(self.groups)
        super().__init__(norm, num_classes, size=size, ngf=ngf, out_channels=out_channels, init_gain=init_gain,
                         upsamplings=doublings(size) if upsamplings is None else upsamplings,
                         checkpointing=checkpointing)
        if any(isinstance(module, Norm) and module.reads_style for module in self.modules()):
            raise ValueError("generator=groupdnet draws the codes of its classes itself, and this norm reads others: "
                             "take norm=group, group_clade, spade or clade")
        self.code, self.styled = code, True
        self.grid = start_grid(self.size, self.upsamplings)
        self.class_codes = code * self.grid[0] * self.grid[1]
        self.fc = nn.Conv2d(code * num_classes, self.start_channels, 3, padding=1, groups=num_classes)
        initialise(self.fc, init_gain)

    @property
    def class_indexed(self) -> dict[str, int]:
        """None: a class has a share of the channels everywhere."""
        return {}

    def draw_style(self, count: int, semantics: Semantics | None = None, normal: Normal | None = None) -> Style:
        """The codes of the classes of `count` pictures, from N(0, 1)."""
        weight = self.conv_img.weight
        shape = (count, self.num_classes, self.class_codes)
        drawn = torch.randn(shape, device=weight.device, dtype=weight.dtype) if normal is None else normal(shape)
        return Style(classes=drawn.to(weight))

    def _start(self, semantics: Semantics, style: Style | None) -> Tensor:
        codes = None if style is None else style.classes
        if codes is None or tuple(codes.shape[1:]) != (self.num_classes, self.class_codes):
            raise ValueError(f"this network reads a code for each class: give a style with classes=(N,"
                             f"{self.num_classes},{self.class_codes})")
        grid = codes.to(self.conv_img.weight).reshape(len(codes), -1, *self.grid)
        if (wanted := self.start_size(*semantics.size)) != self.grid:
            grid = F.interpolate(grid, wanted, mode="nearest")
        start: Tensor = self.fc(grid)
        return start
