"""The generator of CC-FPSE: convolutions whose kernels follow from the label map at every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.generators.base import BaseGenerator, grid_of_size
from semsynth.generators.blocks import recomputed
from semsynth.generators.label_convolution import LabelConv2d
from semsynth.generators.label_pyramid import LabelPyramid
from semsynth.generators.predicted_block import PredictedBlock
from semsynth.generators.spade import BLOCKS, start_grid, upsamplings_for
from semsynth.generators.tiled_cc_fpse import draw_in_tiles
from semsynth.generators.tiles import Progress, tile_sides
from semsynth.layers.convolution import ImageConv2d
from semsynth.layers.init import initialise
from semsynth.layers.plain import plain_weights
from semsynth.norms.spade import DENSE_PIXELS
from semsynth.semantics import Reading, Semantics
from semsynth.style import Normal, Style


class CCFPSEGenerator(BaseGenerator):
    """Generator of CC-FPSE (arXiv:1910.06809): SPADE's sequence of widths and upsamplings, `PredictedBlock` for blocks.

    The blocks read the label map and a pyramid of features that a network makes of it (`LabelPyramid`). As published,
    the start grid comes from a style vector (a VAE); without one from the resized label map, as SPADE's does.

    >>> generator = CCFPSEGenerator(num_classes=2, size=(16, 16), ngf=2, upsamplings=2, z_dim=8, hidden=4)
    >>> semantics = generator.prepare(Semantics(torch.zeros(3, 16, 16, dtype=torch.int64), 2))
    >>> tuple(generator(semantics, generator.draw_style(3)).shape)
    (3, 3, 16, 16)

    Shapes:
        semantics: Labels (N,H,W), prepared with `generator.prepare`.
        style: Its vector (M*N, z_dim), drawn from N(0, 1) when None; used only with `z_dim`. Several styles may go with
            each label map, all of the first ones first: kernels are predicted once.
        output: (M*N, out_channels, H, W) in [-1, 1].

    Args:
        num_classes: Label channels, the unknown class included.
        size: (H, W) of the training images.
        ngf: Width of the last block.
        z_dim: Length of the style vector, 0 without a VAE.
        upsamplings: Number of x2 upsamplings, None to let the size decide (`upsamplings_for`).
        edges: Whether label maps are read with the instance edges.
        hidden: Width of the networks that predict kernels and gates.
        pyramid: Width of the features of the label map.
        out_channels: Channels of the image.
        init_gain: Gain of the Xavier-normal initialisation.
        checkpointing: Keep only the blocks' inputs for the backward pass: less memory, one more forward of time.

    Raises:
        ValueError: the size is no multiple of 2**upsamplings; the message names the nearest sizes that are.
    """

    def __init__(self, num_classes: int, *, size: tuple[int, int] = (256, 256), ngf: int = 64, z_dim: int = 0,
                 upsamplings: int | None = None, edges: bool = False, hidden: int = 128, pyramid: int = 64,
                 out_channels: int = 3, init_gain: float = 0.02, checkpointing: bool = False) -> None:
        super().__init__(size, out_channels)
        self.upsamplings = upsamplings_for(self.size) if upsamplings is None else upsamplings
        if not 1 <= self.upsamplings <= 7:
            raise ValueError(f"generator.upsamplings must be 1..7, got {self.upsamplings}")
        self.num_classes, self.z_dim, self.edges, self.checkpointing = num_classes, z_dim, edges, checkpointing
        self.styled, self.start_channels = bool(z_dim), 16 * ngf
        h, w = self.start_size(*self.size)
        self.fc = (nn.Linear(z_dim, self.start_channels * h * w) if z_dim
                   else LabelConv2d(num_classes, self.start_channels, edges=edges))
        self.pyramid = LabelPyramid(num_classes, self.upsamplings + 1, edges=edges, width=pyramid)
        self.blocks = nn.ModuleDict()
        self._upsample: list[bool] = []
        channels = self.start_channels
        for name, multiple, threshold in BLOCKS:
            if name == "up_4" and self.upsamplings < 7:
                continue
            width = int(multiple * ngf)
            self.blocks[name] = PredictedBlock(channels, width, num_classes, edges=edges, features=pyramid,
                                               hidden=hidden)
            self._upsample.append(threshold is not None and self.upsamplings >= threshold)
            channels = width
        self.conv_img = ImageConv2d(channels, out_channels, 3, padding=1)
        initialise(self, init_gain)

    def start_size(self, h: int, w: int) -> tuple[int, int]:
        """Size of the start grid for an image of (h, w); ValueError where the strides do not divide it."""
        return start_grid((h, w), self.upsamplings)

    def readings(self, h: int, w: int) -> list[Reading]:
        """All sizes at which the label map of an (h, w) image is read, smallest first.

        Raises:
            ValueError: the network cannot make this size.
        """
        if self.z_dim:
            self.check_fixed(h, w)
        start = self.start_size(h, w)
        sizes = [(start[0] << k, start[1] << k) for k in range(self.upsamplings + 1)]
        needs = frozenset({"patches with edges" if self.edges else "patches"})
        cuda = self.conv_img.weight.is_cuda  # where convolutions are faster on small maps, as in SPADE
        return [Reading(a, b, () if cuda and a * b <= DENSE_PIXELS else needs) for a, b in sizes]

    def resize_start(self) -> None:
        """Have the start grid that comes from a style vector resized for other sizes than that of the training images.

        Raises:
            ValueError: it does not come from one, so that all sizes are drawn anyway.
        """
        if not self.z_dim:
            super().resize_start()
        self.start_resized = True

    def draw_style(self, count: int, semantics: Semantics | None = None, normal: Normal | None = None) -> Style | None:
        """Style vectors of `count` pictures from N(0, 1), by `normal` or torch's own state; None without a VAE."""
        if not self.z_dim:
            return None
        weight: Any = self.fc.weight
        shape = (count, self.z_dim)
        return Style(vector=torch.randn(shape, device=weight.device, dtype=weight.dtype) if normal is None
                     else normal(shape).to(weight))

    def check_batch(self, samples: int) -> None:
        """Batch norms see the start grid: one value a channel has no variance.

        Raises:
            ValueError: there are too few; says what to change.
        """
        h, w = self.start_size(*self.size)
        if samples * h * w < 2:
            raise ValueError(f"1 sample of {h}x{w} features, with which the generator starts, is too little for a "
                             f"batch norm: take size={2 ** (self.upsamplings + 1)} or a larger batch")

    def optimize_for_inference(self, *, compile: bool = False, dtype: torch.dtype | None = None) -> CCFPSEGenerator:
        """A copy for drawing only, with plain weights; nothing is compiled, and it draws in their precision."""
        network: CCFPSEGenerator = super().optimize_for_inference(compile=compile, dtype=dtype)
        plain_weights(network)
        network.requires_grad_(False)
        return network

    def forward(self, semantics: Semantics, style: Style | None = None) -> Tensor:
        """Label maps, in a style, to images."""
        maps = self.pyramid(semantics)
        x, level = self._start(semantics, style), 0
        for upsample, block in zip(self._upsample, self.blocks.values(), strict=True):
            if upsample:
                x, level = F.interpolate(x, scale_factor=2.0, mode="nearest"), level + 1
            run = partial(recomputed, block) if self.checkpointing and self.training else block
            x = run(x, semantics.at(*x.shape[-2:]), maps[level])
        return self.image(x)

    def image(self, x: Tensor) -> Tensor:
        """The last features to images."""
        return torch.tanh(self.conv_img(F.leaky_relu(x, 0.2)))

    def check_tiles(self, tile: Any) -> None:
        """Whether these are tiles; a ValueError says what would be."""
        tile_sides(tile)

    def in_tiles(self, semantics: Semantics, style: Style | None, tile: int | Sequence[int],
                 progress: Progress | None = None) -> Tensor:
        """The same images with the memory of a tile, see `semsynth.generators.tiled_cc_fpse.draw_in_tiles`."""
        return draw_in_tiles(self, semantics, style, tile, progress)

    def _start(self, semantics: Semantics, style: Style | None) -> Tensor:
        h, w = self.start_size(*semantics.size)
        if not self.z_dim:
            grid: Tensor = self.fc(semantics.at(h, w))
            return grid
        style = self.draw_style(len(semantics)) if style is None else style
        if style is None or style.vector is None or style.vector.shape[1] != self.z_dim:
            raise ValueError(f"this network starts from a style vector of {self.z_dim} numbers: give such a style")
        self.times(semantics, style)
        weight: Any = self.fc.weight
        grid = self.fc(style.vector.to(weight)).view(-1, self.start_channels, *self.start_size(*self.size))
        return grid_of_size(grid, (h, w))
