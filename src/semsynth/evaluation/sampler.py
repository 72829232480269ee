"""Images of a trained generator, in the styles that a protocol asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from semsynth.chance import stream
from semsynth.errors import EvaluationError
from semsynth.metrics.protocol import Style
from semsynth.semantics import Semantics
from semsynth.semantics.batch import semantics_from_batch


def noise(seed: int, positions: Tensor, width: int, sample: int = 0) -> Tensor:
    """N(0,1) vectors (N,width), the same for a (seed, position, sample) in whatever batch or process."""
    rows = [stream("style", seed, int(position), sample).standard_normal(width) for position in positions]
    return torch.from_numpy(np.stack(rows)).float()


class Sampler:
    """Draws batches of a data set with a generator.

    Args:
        generator: `generator(semantics, z)`, with `z_dim` and `feature_sizes(h, w)`.
        encoder: `encoder(images) -> (mu, logvar)`, or None.
        num_classes: Label channels.
        style: See `Protocol.style`.
        seed: Of the noise.
        device: Where to compute.

    Raises:
        EvaluationError: a style of the photographs, and no encoder.
    """

    def __init__(self, generator: Any, encoder: Any, *, num_classes: int, style: Style = "normal", seed: int = 0,
                 device: torch.device | str = "cpu") -> None:
        if style != "normal" and generator.z_dim and encoder is None:
            raise EvaluationError(f"protocol.style={style} needs a run with a style encoder: "
                                  "take protocol.style=normal")
        self.generator: Any = generator.to(device).eval()
        self.encoder: Any = None if encoder is None else encoder.to(device).eval()
        self.num_classes, self.style, self.seed, self.device = num_classes, style, seed, device
        # of a training with bf16-true or 64-true
        self.dtype = next((p.dtype for p in self.generator.parameters()), torch.float32)

    @property
    def style_of_images(self) -> bool:
        """Whether images are in the style of their photographs."""
        return bool(self.generator.z_dim) and self.style != "normal"

    @torch.no_grad()
    def draw(self, batch: dict[str, Any], positions: Tensor) -> Tensor:
        """Images (N,3,H,W) of the label maps of a batch of the loaders."""
        semantics = self._semantics(batch)
        z = None
        if self.generator.z_dim:
            z = noise(self.seed, positions, self.generator.z_dim).to(self.device)
            if self.style != "normal":
                mu, logvar = (x.float() for x in self.encoder(batch["image"].to(self.device, self.dtype)))
                z = mu + (z * (0.5 * logvar).exp() if self.style == "posterior" else 0)
        images: Tensor = self.generator(semantics, None if z is None else z.to(self.dtype))
        return images.float()

    @torch.no_grad()
    def samples(self, batch: dict[str, Any], positions: Tensor, count: int) -> Tensor:
        """Images (count,N,3,H,W) in `count` styles from N(0,1).

        Raises:
            EvaluationError: the generator has no style.
        """
        if not self.generator.z_dim:
            raise EvaluationError("this run has no style vector, so a label map has one picture")
        semantics = self._semantics(batch)
        styles = (noise(self.seed, positions, self.generator.z_dim, 1 + sample) for sample in range(count))
        return torch.stack([self.generator(semantics, z.to(self.device, self.dtype)).float() for z in styles])

    def _semantics(self, batch: dict[str, Any]) -> Semantics:
        semantics = semantics_from_batch(batch, self.num_classes).to(self.device)
        return semantics.prepare(self.generator.feature_sizes(*semantics.size))
