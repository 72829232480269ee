"""The first convolution of a generator that reads a label map once, at full size."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.layers.one_hot import one_hot_conv2d, reflected
from semsynth.norms.base import is_plain
from semsynth.semantics import Semantics
from semsynth.semantics.regions import Regions, by_region
from semsynth.style import Style

KERNEL = 7
MARGIN = KERNEL // 2


class LabelInput(nn.Module):
    """Reflection padding and a 7x7 convolution of one-hot labels, instance edges and features of instances.

    Drawing on a CPU without gradients, the labels' part is a sum of table rows (`semsynth.layers.one_hot`).

    >>> layer = LabelInput(num_classes=3, outputs=4)
    >>> semantics = Semantics(torch.randint(3, (1, 8, 8)), 3)
    >>> with torch.no_grad():
    ...     torch.testing.assert_close(layer(semantics), layer.convolved(layer.channels(semantics)))

    Args:
        num_classes: Label channels.
        outputs: Channels of the output.
        edges: Whether the instance edges are one more channel.
        features: Channels of the instances' features; 0: none.
    """

    def __init__(self, num_classes: int, outputs: int, *, edges: bool = False, features: int = 0) -> None:
        super().__init__()
        self.num_classes, self.outputs, self.edges, self.features = num_classes, outputs, edges, features
        self.conv = nn.Conv2d(num_classes + edges + features, outputs, KERNEL)

    @property
    def class_indexed(self) -> dict[str, int]:
        """Names of its parameters with one entry a class, and the dimension of these."""
        return {"conv.weight": 1}

    def forward(self, semantics: Semantics, style: Style | None = None) -> Tensor:
        """Label maps at full size, in a style, to (N,outputs,H,W)."""
        if not self._by_rows(semantics):
            return self.convolved(self.channels(semantics, style))
        weight, bias = self.conv.weight, self.conv.bias
        out = one_hot_conv2d(reflected(semantics.labels, MARGIN), weight[:, :self.num_classes], bias)
        others = self._others(semantics, style)
        if others:
            out = out + F.conv2d(_padded(torch.cat(others, 1)), weight[:, self.num_classes:])
        return out

    def channels(self, semantics: Semantics, style: Style | None = None) -> Tensor:
        """All that is convolved: classes, edges, features (N,K+E+F,H,W)."""
        classes = semantics.one_hot(dtype=self.conv.weight.dtype)
        return torch.cat([classes, *self._others(semantics, style)], 1)

    def convolved(self, channels: Tensor) -> Tensor:
        """The layer on channels of any kind, such as averaged ones."""
        out: Tensor = self.conv(_padded(channels))
        return out

    def _others(self, semantics: Semantics, style: Style | None) -> list[Tensor]:
        """The channels behind the classes."""
        found = [semantics.require_edges().to(self.conv.weight)] if self.edges else []
        if not self.features:
            return found
        if style is not None and style.instances is not None:
            maps = Regions.of(semantics).spread(style.instances.to(self.conv.weight))
        elif style is not None and style.classes is not None:
            maps = by_region(style.classes.to(self.conv.weight), semantics.labels)
        else:
            raise ValueError("this network reads features of instances: give a style with codes by instance, or by "
                             "class")
        return [*found, maps]

    def _by_rows(self, semantics: Semantics) -> bool:
        weight = self.conv.weight
        return (weight.device.type == "cpu" and weight.dtype == torch.float32 and semantics.probabilities is None
                and not is_plain() and not torch.is_grad_enabled() and not torch.is_autocast_enabled("cpu")
                and not torch.compiler.is_compiling() and not torch.jit.is_tracing())


def _padded(x: Tensor) -> Tensor:
    return F.pad(x, (MARGIN,) * 4, mode="reflect")
