"""How much of a style image's style its result shows, on data whose style is known (`scenes`)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from semsynth.metrics.distributed import all_rows

STYLES = ("time", "haze", "hue")  # of a sample's `style`, in order


def r_squared(reference: Tensor, values: Tensor) -> Tensor:
    """Coefficient of determination (S,) float64 of values (N,S) as predictions of reference (N,S).

    1 - sum (reference - value)^2 / sum (reference - mean)^2; NaN for a constant reference.
    """
    reference, values = reference.double(), values.double()
    spread = (reference - reference.mean(0)).square().sum(0)
    score = 1 - (reference - values).square().sum(0) / spread
    return torch.where(spread > 0, score, torch.nan)


class StyleRecovery:
    """R^2 between the style that a regressor reads from the style images and from what was generated in their style.

    Args:
        regressor: With `predict(images (N,3,H,W) in [-1,1]) -> (N,3)`, in the order of `STYLES`.
    """

    def __init__(self, regressor: Any) -> None:
        self.regressor = regressor
        self.reset()

    def reset(self) -> None:
        """Forget all."""
        self._rows: list[Tensor] = []
        self._positions: list[Tensor] = []

    @torch.no_grad()
    def update(self, generated: Tensor, style_images: Tensor, positions: Tensor, truth: Tensor | None = None) -> None:
        """Add images (N,3,H,W), the images that gave their styles, and those images' true styles (N,3)."""
        read, wanted = (self.regressor.predict(x).detach().cpu().float() for x in (generated, style_images))
        true = torch.full_like(wanted, torch.nan) if truth is None else truth.detach().cpu().float()
        self._rows.append(torch.stack([read, wanted, true], 1))
        self._positions.append(positions)

    def compute(self) -> tuple[dict[str, float], dict[str, float]]:
        """(R^2 of the results by variable, R^2 of the regressor on the real images against the truth by variable).

        Variables without a value are left out.
        """
        width = len(STYLES)
        rows = torch.cat(self._rows) if self._rows else torch.zeros(0, 3, width)
        positions = torch.cat(self._positions) if self._positions else torch.zeros(0, dtype=torch.int64)
        rows, _ = all_rows(rows, positions)
        read, wanted, true = rows.unbind(1)
        return _named(r_squared(wanted, read)), _named(r_squared(true, wanted))


def _named(values: Tensor) -> dict[str, float]:
    return {name: float(value) for name, value in zip(STYLES, values, strict=True) if value.isfinite()}
