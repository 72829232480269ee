"""The residual block of the SPADE family, and recomputation of its activations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from semsynth.layers.convolution import convolve
from semsynth.layers.init import SpectralNorm, spectral_norm, weight_and_norm
from semsynth.modulation.autograd import Setting, modulate_convolve
from semsynth.norms.base import is_plain
from semsynth.semantics import Semantics
from semsynth.style import Style


class ResBlock(nn.Module):
    """SPADE residual block (arXiv:1903.07291), for any norm: (N,in,H,W) -> (N,out,H,W).

    Main path: norm, LeakyReLU 0.2, 3x3 conv, twice, through min(in, out) channels. Shortcut: identity, or norm and a
    1x1 conv without bias where the number of channels changes. Spectral norm on the convolutions.

    >>> from semsynth.norms.clade import CLADE
    >>> block = ResBlock(4, 8, partial(CLADE, num_classes=2))
    >>> semantics = Semantics(torch.zeros(1, 16, 16, dtype=torch.int64), 2)
    >>> tuple(block(torch.randn(1, 4, 16, 16), semantics).shape)
    (1, 8, 16, 16)

    Args:
        channels_in: Channels of the input.
        channels_out: Channels of the output.
        norm: Makes a norm from a number of channels.
        groups: Of the channels, which the convolutions keep apart.

    Raises:
        ValueError: the groups do not divide the channels.
    """

    def __init__(self, channels_in: int, channels_out: int, norm: Callable[[int], Any], groups: int = 1) -> None:
        super().__init__()
        middle = min(channels_in, channels_out)
        norm_0, norm_1 = norm(channels_in), norm(middle)
        self.norm_0, self.norm_1 = norm_0, norm_1
        _check_groups(groups, norm_0.out_channels, norm_1.out_channels, channels_out)
        self.conv_0 = spectral_norm(nn.Conv2d(norm_0.out_channels, middle, 3, padding=1, groups=groups))
        self.conv_1 = spectral_norm(nn.Conv2d(norm_1.out_channels, channels_out, 3, padding=1, groups=groups))
        self.norm_s: nn.Module | None = None
        self.conv_s: nn.Module | None = None
        if channels_in != channels_out:
            norm_s = norm(channels_in)
            self.norm_s = norm_s
            self.conv_s = spectral_norm(nn.Conv2d(norm_s.out_channels, channels_out, 1, groups=groups, bias=False))

    def forward(self, x: Tensor, semantics: Semantics, style: Style | None = None) -> Tensor:
        """Shortcut plus main path; the shortcut has no activation."""
        shortcut = x if self.norm_s is None else _convolved(self.norm_s, self.conv_s, x, semantics, style, slope=1.0)
        x = _convolved(self.norm_0, self.conv_0, x, semantics, style, slope=0.2)
        x = _convolved(self.norm_1, self.conv_1, x, semantics, style, slope=0.2)
        return shortcut + x


def _check_groups(groups: int, *channels: int) -> None:
    if any(count % groups for count in channels):
        raise ValueError(f"{groups} groups do not divide {', '.join(map(str, channels))} channels: take other groups "
                         "or widths, and a norm that appends no channel (norm=group_clade, or dataset.instances=false)")


def _convolved(norm: Any, conv: Any, x: Tensor, semantics: Semantics, style: Style | None, slope: float) -> Tensor:
    """Norm, LeakyReLU and convolution: as one function where tables serve, which keeps little for the backward pass."""
    convolved = conv if is_plain() else partial(convolve, conv)
    if (tables := norm.fused(x, semantics, style)) is not None:
        weight, sigma = weight_and_norm(conv)
        if sigma is not None:  # dividing the tables is exact, since LeakyReLU is positively homogeneous
            tables = tables.scaled(1 / sigma)
        setting = Setting(norm.base, slope, norm.compiled)
        return modulate_convolve(norm.received(x, style), tables, setting, weight, conv.bias, list(conv.padding),
                                 conv.groups)
    return convolved(norm(x, semantics, style, slope))


class _SamePass:
    """Two passes of a block in training mode: the second one computes again what the first one did.

    It reads the singular vectors that the first one left in the spectral norms, without a power iteration: by the time
    of the backward pass another forward may have moved them on. Running statistics move in the first pass only.
    """

    def __init__(self, block: nn.Module) -> None:
        self._spectral = [m for m in block.modules() if isinstance(m, SpectralNorm) and m.training]
        self._norms = [m for m in block.modules() if isinstance(m, _BatchNorm) and m.training]
        self._vectors: list[dict[str, Any]] = []

    @contextmanager
    def first(self) -> Iterator[None]:
        """Keep the vectors."""
        yield
        self._vectors = [_copied(m) for m in self._spectral]

    @contextmanager
    def second(self) -> Iterator[None]:
        """Put them back, and everything as it was at the end."""
        modules = [*self._spectral, *self._norms]
        buffers = [dict(m._buffers) for m in modules]
        for m, own in zip(modules, [*self._vectors, *map(_copied, self._norms)], strict=True):
            m._buffers.update(own)
        for m in self._spectral:
            m.iterates = False
        try:
            yield
        finally:
            for m, own in zip(modules, buffers, strict=True):
                m._buffers.update(own)
            for m in self._spectral:
                m.iterates = True


def _copied(module: nn.Module) -> dict[str, Any]:
    """A module's own buffers."""
    return {name: None if b is None else b.clone() for name, b in module._buffers.items()}


def recomputed(block: nn.Module, x: Tensor, semantics: Semantics, style: Style | None = None) -> Tensor:
    """`block(x, semantics, style)` that keeps only its input and computes the rest again in the backward pass."""
    passes = _SamePass(block)
    return checkpoint(block, x, semantics, style, use_reentrant=False,
                      context_fn=lambda: (passes.first(), passes.second()))
