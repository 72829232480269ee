"""What the parts of a laboratory expect of each other: the contracts that a new network fulfils."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from semsynth.semantics import Reading, Semantics
from semsynth.style import Normal, Style


@runtime_checkable
class Generator(Protocol):
    """Label maps, in a style, to images; a module.

    Attributes:
        size: (H,W) of the training images.
        out_channels: Of the images.
        styled: Whether a label map has many pictures, in styles.
    """

    size: tuple[int, int]
    out_channels: int
    styled: bool

    def feature_sizes(self, h: int, w: int) -> list[Reading]:
        """The sizes at which the label maps of (h,w) images are read, and what is looked up there.

        Plain data, by which a loader's workers prepare label maps without the network.

        Raises:
            ValueError: the network cannot make this size; names what it can.
        """

    def draw_style(self, count: int, semantics: Semantics | None = None, normal: Normal | None = None) -> Style | None:
        """The style of `count` pictures, from N(0, 1) numbers of `normal`; None where there is no style.

        Args:
            count: Of pictures.
            semantics: Their label maps, for styles that depend on which classes or instances there are.
            normal: Makes the numbers; None: torch's own random state.
        """

    def check_batch(self, samples: int) -> None:
        """Whether so many samples a batch are enough for its statistics.

        Raises:
            ValueError: they are not; says what to change.
        """

    def optimize_for_inference(self, *, compile: bool = False, dtype: torch.dtype | None = None) -> Generator:
        """A copy for drawing only, with the same pictures, faster where it can be."""

    def __call__(self, semantics: Semantics, style: Style | None = None) -> Tensor:
        """Images (N,out_channels,H,W) in [-1,1] of prepared label maps; without a style one is drawn."""


@runtime_checkable
class StyleEncoder(Protocol):
    """Reads the style of images; a module."""

    def encode(self, image: Tensor, semantics: Semantics | None = None) -> Style:
        """The style of images (N,3,H,W) in [-1,1] with these label maps; with the posterior where it has one."""


@runtime_checkable
class Discriminator(Protocol):
    """Judges images beside their label maps; a module."""

    def __call__(self, semantics: Semantics, image: Tensor) -> list[list[Tensor]]:
        """Scales of feature maps, the prediction last, of images (N,3,H,W) or (2N,3,H,W), twice as many."""


@runtime_checkable
class Segmenter(Protocol):
    """Images to logits; a module, in the loop of an unpaired training.

    Attributes:
        frozen: Whether it stays as it is.
    """

    frozen: bool

    def __call__(self, image: Tensor) -> Tensor:
        """Logits (N,K,H,W) of images (N,3,H,W) in [-1,1]."""

    def truth(self, labels: Tensor) -> Tensor:
        """What it should answer for label maps (N,H,W): classes, -1 where nothing counts."""

    def probabilities(self, image: Tensor) -> Tensor:
        """Soft label maps (N,K,H,W) that sum to 1 over K."""


@runtime_checkable
class LabelFiles(Protocol):
    """A data set whose label maps lie in files, which can be read at the size that they have there."""

    def read_labels(self, index: int) -> np.ndarray:
        """Classes (H,W) int64 of a sample, before any resizing."""


class LossTerm(Protocol):
    """A term of a loss; a module.

    Attributes:
        weight: Its factor in the total.
    """

    weight: float

    def __call__(self, inputs: Any, /) -> Tensor:
        """A scalar, unweighted, of `semsynth.losses.inputs.LossInputs`."""
