"""The SPADE generator, with any norm in its blocks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.generators.base import BaseGenerator, grid_of_size, no_tiles
from semsynth.generators.blocks import ResBlock, recomputed
from semsynth.generators.inference import FoldedGenerator
from semsynth.generators.tiles import tile_sides
from semsynth.layers.convolution import ImageConv2d
from semsynth.layers.init import initialise
from semsynth.modulation.compiler import any_sizes
from semsynth.norms.base import Norm, arranged, by_pixel, is_plain
from semsynth.norms.schedule import NormFactory, Schedule, as_schedule
from semsynth.semantics import Reading, Semantics
from semsynth.style import Normal, Style

# name of a block, channels out as a multiple of ngf, the number of upsamplings from which one stands before it
BLOCKS = [("head_0", 16, None), ("G_middle_0", 16, 5), ("G_middle_1", 16, 6), ("up_0", 8, 4), ("up_1", 4, 3),
          ("up_2", 2, 2), ("up_3", 1, 1), ("up_4", 0.5, 7)]


def upsamplings_for(size: tuple[int, int]) -> int:
    """Number of x2 upsamplings for an image (H, W): 5 up to 256 on the longer side, 6 up to 512, 7 above.

    These are the published 'normal' (256x256), 'more' (Cityscapes 256x512) and 'most'.
    """
    longest = max(size)
    return 5 if longest <= 256 else 6 if longest <= 512 else 7


def start_grid(size: tuple[int, int], upsamplings: int) -> tuple[int, int]:
    """Size of the grid that `upsamplings` bring to an image of (h, w); ValueError where the strides do not divide it.
    """
    (h, w), stride = size, 2 ** upsamplings
    if h % stride or w % stride or not (h and w):
        near = [max(stride, round(v / stride) * stride) for v in (h, w)]
        raise ValueError(f"size [{h},{w}] is no multiple of {stride} ({upsamplings} upsamplings): take "
                         f"size=[{near[0]},{near[1]}] or fewer generator.upsamplings")
    return h // stride, w // stride


class SPADEGenerator(BaseGenerator):
    """Generator of SPADE (arXiv:1903.07291), and of CLADE (arXiv:2012.04644) with CLADE's norms.

    A start grid of (H, W) / 2**upsamplings, made from the resized label map by a 3x3 convolution or, with `z_dim`,
    from a style vector by a linear layer; then 7 residual blocks (8 with 7 upsamplings) with nearest x2 upsampling
    between them, LeakyReLU 0.2, a 3x3 convolution, tanh.

    >>> from semsynth.norms.clade import CLADE
    >>> generator = SPADEGenerator(CLADE, num_classes=2, size=(16, 16), ngf=2, upsamplings=2, z_dim=8)
    >>> generator.readings(16, 16)  # the sizes at which it reads label maps
    [(4, 4), (8, 8), (16, 16)]
    >>> semantics = generator.prepare(Semantics(torch.zeros(3, 16, 16, dtype=torch.int64), 2))
    >>> style = generator.draw_style(3)
    >>> tuple(style.vector.shape), tuple(generator(semantics, style).shape)
    ((3, 8), (3, 3, 16, 16))

    Shapes:
        semantics: Labels (N,H,W), prepared with `generator.prepare`.
        style: Its vector (N, z_dim), drawn from N(0, 1) when None; used only with `z_dim`.
        output: (N, out_channels, H, W) in [-1, 1].

    Args:
        norm: Norm factory (channels, num_classes) -> Norm, or a `Schedule` of them by block.
        num_classes: Label channels, the unknown class included.
        size: (H, W) of the training images.
        ngf: Width of the last block; SPADE-light is 8 (32 on Cityscapes).
        z_dim: Length of the style vector, 0 without a VAE.
        upsamplings: Number of x2 upsamplings, None to let the size decide (`upsamplings_for`).
        edges: Whether the start convolution also sees the instance edges.
        fc_offsets: The ablation "+disti": the start grid also sees the positional offsets. With `z_dim` a 3x3
            convolution of the offsets is added to the linear layer's grid (the paper has it without a VAE only).
        out_channels: Channels of the image.
        init_gain: Gain of the Xavier-normal initialisation.
        checkpointing: Keep only the blocks' inputs for the backward pass: less memory, one more forward of time.

    Raises:
        ValueError: the size is no multiple of 2**upsamplings; the message names the nearest sizes that are.

    Attributes:
        attend: Makes, from the channels before and behind the last block, what is done to its output (N,C,H,W) beside
            its input (N,B,h,w); None in SPADE.
        plan: The blocks, see `BLOCKS`.
        groups: Of the channels of each block's convolutions; None for one.
    """

    attend: Callable[[int, int], nn.Module] | None = None
    plan: Sequence[tuple[str, float, int | None]] = BLOCKS
    groups: Sequence[int] | None = None

    def __init__(self, norm: NormFactory | Schedule, num_classes: int, *, size: tuple[int, int] = (256, 256),
                 ngf: int = 64, z_dim: int = 0, upsamplings: int | None = None, edges: bool = False,
                 fc_offsets: bool = False, out_channels: int = 3, init_gain: float = 0.02,
                 checkpointing: bool = False) -> None:
        super().__init__(size, out_channels)
        self.upsamplings = upsamplings_for(self.size) if upsamplings is None else upsamplings
        if not 1 <= self.upsamplings <= 7:
            raise ValueError(f"generator.upsamplings must be 1..7, got {self.upsamplings}")
        self.z_dim, self.edges, self.fc_offsets, self.checkpointing = z_dim, edges, fc_offsets, checkpointing
        self._compiled, self.num_classes = False, num_classes
        self.start_channels = int(self.plan[0][1] * ngf)
        start = self.start_size(*self.size)

        self.fc: nn.Module
        self.fc_position: nn.Module | None = None
        if z_dim:
            self.fc = nn.Linear(z_dim, self.start_channels * start[0] * start[1])
            if fc_offsets:
                self.fc_position = nn.Conv2d(2, self.start_channels, 3, padding=1)
        else:
            self.fc = nn.Conv2d(num_classes + edges + 2 * fc_offsets, self.start_channels, 3, padding=1)

        schedule = as_schedule(norm)
        blocks = [block for block in self.plan if block[0] != "up_4" or self.upsamplings == 7]
        self.blocks = nn.ModuleDict()
        self._upsample: list[bool] = []
        channels = self.start_channels
        for index, (name, multiple, threshold) in enumerate(blocks, 1):
            width = int(multiple * ngf)
            made = partial(schedule(index), num_classes=num_classes)
            self.blocks[name] = ResBlock(channels, width, made, self.groups[index - 1] if self.groups else 1)
            self._upsample.append(threshold is not None and self.upsamplings >= threshold)
            before, channels = channels, width
        self.attention = None if self.attend is None else self.attend(before, channels)
        self.conv_img = ImageConv2d(channels, out_channels, 3, padding=1)
        self.class_codes = max((norm.class_codes for norm in self.modules() if isinstance(norm, Norm)), default=0)
        self.styled = bool(z_dim or self.class_codes)
        initialise(self, init_gain)

    @property
    def class_indexed(self) -> dict[str, int]:
        """Names of its own parameters with one entry a class, and the dimension of these."""
        return {} if self.z_dim else {"fc.weight": 1}

    def start_size(self, h: int, w: int) -> tuple[int, int]:
        """Size of the start grid for an image of (h, w); ValueError where the strides do not divide it."""
        return start_grid((h, w), self.upsamplings)

    def readings(self, h: int, w: int) -> list[Reading]:
        """All sizes at which the label map of an (h, w) image is read, smallest first.

        Raises:
            ValueError: the network cannot make this size.
        """
        if isinstance(self.fc, nn.Linear):
            self.check_fixed(h, w)
        start = self.start_size(h, w)
        sizes = [(start[0] << k, start[1] << k) for k in range(self.upsamplings + 1)]
        needs: list[set[str]] = [set() for _ in sizes]
        step = 0
        for upsample, block in zip(self._upsample, self.blocks.values(), strict=True):
            step += upsample
            needs[step].update(*(norm.needed(*sizes[step]) for norm in block.modules() if isinstance(norm, Norm)))
        return [Reading(*size, needed) for size, needed in zip(sizes, needs, strict=True)]

    def resize_start(self) -> None:
        """Have the start grid that comes from a style vector resized for other sizes than that of the training images.

        Raises:
            ValueError: it does not come from one, so that all sizes are drawn anyway.
        """
        if not isinstance(self.fc, nn.Linear):
            super().resize_start()
        self.start_resized = True

    def check_tiles(self, tile: Any) -> None:
        """Whether these are tiles, and its norms see pixels and their neighbourhood alone.

        Raises:
            ValueError: one takes statistics over the whole picture.
        """
        for norm in self.modules():
            if isinstance(norm, Norm) and not by_pixel(norm.base):
                raise no_tiles(f"its norms ({type(norm.base).__name__}) take statistics over the whole picture in "
                               "every layer, unlike those of base=batch and base=pono")
        tile_sides(tile)

    def draw_style(self, count: int, semantics: Semantics | None = None,
                   normal: Normal | None = None) -> Style | None:
        """The style of `count` pictures from N(0, 1), as far as there is something that reads it; else None.

        Args:
            count: Of pictures.
            semantics: Their label maps; this network does without them.
            normal: Makes the numbers; None: torch's own random state, where the weights are.
        """
        weight: Any = self.fc.weight

        def made(*shape: int) -> Tensor:
            if normal is None:
                return torch.randn(shape, device=weight.device, dtype=weight.dtype)
            return normal(shape).to(weight)

        vector = made(count, self.z_dim) if self.z_dim else None
        classes = made(count, self.num_classes, self.class_codes) if self.class_codes else None
        return Style(vector=vector, classes=classes) if self.styled else None

    def check_batch(self, samples: int) -> None:
        """Show the first parameter-free norm the features of the start grid: one value a channel has no variance.

        Raises:
            ValueError: it refuses them; says what to change.
        """
        h, w = self.start_size(*self.size)
        norm: Any = next(m for m in self.modules() if isinstance(m, Norm))
        try:
            device = self.conv_img.weight.device
            copy.deepcopy(norm.base)(torch.zeros(samples, self.start_channels, h, w, device=device))
        except ValueError as error:
            raise ValueError(f"{samples} samples of {h}x{w} features, with which the generator starts, are too few for "
                             f"{type(norm.base).__name__} ({error}): take size={2 ** (self.upsamplings + 1)}, a larger "
                             "batch, or base=layer") from error

    def _start(self, semantics: Semantics, style: Style | None) -> Tensor:
        h, w = self.start_size(*semantics.size)
        view = semantics.at(h, w)
        if self.z_dim:
            if style is None or style.vector is None or style.vector.shape[1] != self.z_dim:
                raise ValueError(f"this network starts from a style vector of {self.z_dim} numbers: give such a style")
            weight: Any = self.fc.weight
            grid = self.fc(style.vector.to(weight)).view(-1, self.start_channels, *self.start_size(*self.size))
            grid = grid_of_size(grid, (h, w))
            return grid if self.fc_position is None else grid + self.fc_position(view.require_offsets().to(grid))
        condition = view.one_hot(edges=self.edges, dtype=self.conv_img.weight.dtype)
        if self.fc_offsets:
            condition = torch.cat([condition, view.require_offsets().to(condition)], 1)
        return self.fc(condition)

    def read(self, semantics: Semantics, style: Style | None) -> Style | None:
        """The style as blocks read it: one is drawn where none is given."""
        return self.draw_style(len(semantics), semantics) if style is None and self.styled else style

    def optimize_for_inference(self, *, compile: bool = False, dtype: torch.dtype | None = None) -> FoldedGenerator:
        """A copy for drawing only, with the same pictures to rounding: see `FoldedGenerator`."""
        return FoldedGenerator(self, compile=compile, dtype=dtype)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile what gains from it, once for label maps and batches of any size.

        On a GPU the whole network as one graph, the engine's kernels within; elsewhere the kernels of the norms, since
        convolutions gain nothing. Which one is decided when it runs. The arguments are not used.
        """
        self._compiled = True
        for module in self.modules():
            if isinstance(module, Norm):
                module.compiled = True

    def forward(self, semantics: Semantics, style: Style | None = None) -> Tensor:
        """Label maps, in a style, to images; of N label maps in t * N styles, each t times."""
        style = self.read(semantics, style)
        semantics = self.repeated(semantics, style)
        if self._compiled and not self.checkpointing and not is_plain() and self.conv_img.weight.is_cuda:
            with any_sizes():
                return _graph()(self, semantics, style)
        return self._image(semantics, style)

    def _image(self, semantics: Semantics, style: Style | None) -> Tensor:
        x = self._start(semantics, style)
        for upsample, block in zip(self._upsample, self.blocks.values(), strict=True):
            if upsample:
                x = F.interpolate(x, scale_factor=2.0, mode="nearest")
            x = arranged(x)
            run = partial(recomputed, block) if self.checkpointing and self.training else block
            before, x = x, run(x, semantics, style)
        x = x if self.attention is None else self.attention(x, before)
        return torch.tanh(self.conv_img(F.leaky_relu(x, 0.2, inplace=True)))  # nothing else reads x


@cache
def _graph() -> Callable[..., Tensor]:
    """The forward pass of any generator as a graph: of copies, too, which would not follow a method bound to one."""
    return torch.compile(SPADEGenerator._image)
