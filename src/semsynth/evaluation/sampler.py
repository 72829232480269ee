"""Images of a trained generator, in the styles that a protocol asks for."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from semsynth.chance import stream
from semsynth.drawing import draw, style_of
from semsynth.errors import EvaluationError
from semsynth.interfaces import Generator, StyleEncoder
from semsynth.metrics.protocol import Style as Choice
from semsynth.semantics.batch import semantics_from_batch
from semsynth.semantics.samples import SampleBatch
from semsynth.style import Normal, Style


def noise(seed: int, positions: Tensor, sample: int = 0) -> Normal:
    """Makes N(0,1) numbers, the same for a (seed, position, sample) in whatever batch or process.

    What is asked for first does not depend on what is asked for after it, which goes on in the same streams.

    Args:
        seed: Of all.
        positions: (N,), of the samples in their set; numbers of shapes (N, ...) are made.
        sample: Of the several of a position.
    """
    streams = [stream("style", seed, int(position), sample) for position in positions]

    def normal(shape: tuple[int, ...]) -> Tensor:
        width = math.prod(shape[1:])
        rows = [numbers.standard_normal(width) for numbers in streams]
        return torch.from_numpy(np.stack(rows)).float().view(shape)

    return normal


class Sampler:
    """Draws batches of a data set with a generator.

    Args:
        generator: The generator.
        encoder: Says the style of photographs; or None.
        num_classes: Label channels.
        style: See `Protocol.style`.
        seed: Of the noise.
        device: Where to compute.

    Raises:
        EvaluationError: a style of the photographs, and no encoder.
    """

    def __init__(self, generator: Generator, encoder: StyleEncoder | None, *, num_classes: int,
                 style: Choice = "normal", seed: int = 0, device: torch.device | str = "cpu") -> None:
        if style != "normal" and generator.styled and encoder is None:
            raise EvaluationError(f"protocol.style={style} needs a run with a style encoder: "
                                  "take protocol.style=normal")
        self.generator = generator.to(device).eval()
        self.encoder = None if encoder is None else encoder.to(device).eval()
        self.num_classes, self.style, self.seed, self.device = num_classes, style, seed, device

    @property
    def style_of_images(self) -> bool:
        """Whether images are in the style of their photographs."""
        return self.generator.styled and self.style != "normal"

    @torch.no_grad()
    def draw(self, batch: SampleBatch, positions: Tensor) -> Tensor:
        """Images (N,3,H,W) of the label maps of a batch of the loaders."""
        semantics = semantics_from_batch(batch, self.num_classes).to(self.device)
        normal = self.normal(positions)
        if self.style_of_images:
            style: Style | None = style_of(self.encoder, batch["image"], semantics)
            if style is not None and self.style == "posterior":
                style = style.sampled(normal)
            style = style and self.generator.completed(style, semantics, normal)
        else:
            style = self.generator.draw_style(len(semantics), semantics, normal)
        return draw(self.generator, semantics, style)

    @torch.no_grad()
    def samples(self, batch: SampleBatch, positions: Tensor, count: int) -> Tensor:
        """Images (count,N,3,H,W) in `count` styles from N(0,1).

        Raises:
            EvaluationError: the generator has no style.
        """
        if not self.generator.styled:
            raise EvaluationError("this run has no style vector, so a label map has one picture")
        semantics = semantics_from_batch(batch, self.num_classes).to(self.device)
        styles = (self.generator.draw_style(len(semantics), semantics, self.normal(positions, 1 + sample))
                  for sample in range(count))
        return torch.stack([draw(self.generator, semantics, style) for style in styles])

    def normal(self, positions: Tensor, sample: int = 0) -> Normal:
        """Makes the N(0,1) numbers of the samples at positions (N,), the same in whatever batch."""
        return noise(self.seed, positions, sample)
