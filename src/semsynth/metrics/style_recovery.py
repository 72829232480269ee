"""How much of a style image's style its result shows, on data whose style is known (`scenes`)."""

from __future__ import annotations

from typing import Protocol, Self, runtime_checkable

import torch
from torch import Tensor

STYLES = ("time", "haze", "hue")  # of a sample's `style`, in order


def r_squared(reference: Tensor, values: Tensor) -> Tensor:
    """Coefficient of determination (S,) float64 of values (N,S) as predictions of reference (N,S).

    1 - sum (reference - value)^2 / sum (reference - mean)^2; NaN for a constant reference.
    """
    reference, values = reference.double(), values.double()
    spread = (reference - reference.mean(0)).square().sum(0)
    score = 1 - (reference - values).square().sum(0) / spread
    return torch.where(spread > 0, score, torch.nan)


@runtime_checkable
class ReadsStyle(Protocol):
    """A network that reads style variables off images.

    Attributes:
        sha256: Of the file of its weights.
    """

    sha256: str | None

    def predict(self, images: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1] -> (N,3) float32 in the order of `STYLES`."""

    def to(self, device: torch.device | str) -> Self:
        """Move to a device."""


class StyleRecovery:
    """R^2 between the style that a regressor reads from the style images and from what was generated in their style.

    >>> from semsynth.metrics.style_regressor import load_style_regressor
    >>> recovery = StyleRecovery(load_style_regressor())
    >>> images = torch.rand(3, 3, 64, 64) * 2 - 1
    >>> recovery.update(generated=images, style_images=images)
    >>> recovery.compute()[0]
    {'time': 1.0, 'haze': 1.0, 'hue': 1.0}

    Args:
        regressor: Reads the styles.
    """

    def __init__(self, regressor: ReadsStyle) -> None:
        self.regressor = regressor
        self.reset()

    def reset(self) -> None:
        """Forget all."""
        self._rows: list[Tensor] = []

    def update(self, generated: Tensor, style_images: Tensor, truth: Tensor | None = None) -> None:
        """Add images, see `read`."""
        self.add(self.read(generated, style_images, truth))

    @torch.no_grad()
    def read(self, generated: Tensor, style_images: Tensor, truth: Tensor | None = None) -> Tensor:
        """Images (N,3,H,W), the images that gave their styles, and those images' true styles (N,3) -> (N,3,3) float32.

        On the CPU: of each image the styles read off it and off its style image, and the true one, or NaN.
        """
        read, wanted = (self.regressor.predict(x).detach().cpu().float() for x in (generated, style_images))
        true = torch.full_like(wanted, torch.nan) if truth is None else truth.detach().cpu().float()
        return torch.stack([read, wanted, true], 1)

    def add(self, rows: Tensor) -> None:
        """Add what `read` has found."""
        self._rows.append(rows)

    def compute(self) -> tuple[dict[str, float], dict[str, float]]:
        """(R^2 of the results by variable, R^2 of the regressor on the real images against the truth by variable).

        Variables without a value are left out.
        """
        rows = torch.cat(self._rows) if self._rows else torch.zeros(0, 3, len(STYLES))
        read, wanted, true = rows.unbind(1)
        return _named(r_squared(wanted, read)), _named(r_squared(true, wanted))


def _named(values: Tensor) -> dict[str, float]:
    return {name: float(value) for name, value in zip(STYLES, values, strict=True) if value.isfinite()}
