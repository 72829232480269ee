"""What the parts of a laboratory expect of each other: the contracts that new networks and data sets fulfil."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, Self, TypeVar, runtime_checkable

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from semsynth.semantics import Reading, Semantics
from semsynth.semantics.samples import Sample
from semsynth.style import Normal, Style

# ---- networks


class Network(Protocol):
    """What is asked of every network besides its call: the methods of `torch.nn.Module`, which all networks are."""

    training: bool

    def parameters(self) -> Iterator[nn.Parameter]:
        """What is trained."""

    def buffers(self) -> Iterator[Tensor]:
        """What else belongs to it: statistics, for example."""

    def modules(self) -> Iterator[nn.Module]:
        """The network and everything in it."""

    def named_modules(self) -> Iterator[tuple[str, nn.Module]]:
        """These with their dotted names; the network's own is empty."""

    def to(self, device: torch.device | str) -> Self:
        """Move to a device."""

    def train(self, mode: bool = True) -> Self:
        """Set the mode of training, or of evaluation."""

    def eval(self) -> Self:
        """Set the mode of evaluation."""

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let gradients reach the weights, or keep them away."""

    def compile(self, *, dynamic: bool | None = None) -> None:
        """Have a compiler make the forward pass."""


@runtime_checkable
class Generator(Network, Protocol):
    """Label maps, in a style, to images; a module.

    Attributes:
        size: (H,W) of the training images.
        out_channels: Of the images.
        styled: Whether a label map has many pictures, in styles.
    """

    size: tuple[int, int]
    out_channels: int
    styled: bool

    def readings(self, h: int, w: int) -> list[Reading]:
        """The sizes at which the label maps of (h,w) images are read, and what is looked up there.

        Plain data, by which a loader's workers prepare label maps without the network.

        Raises:
            ValueError: the network cannot make this size; names what it can.
        """

    def prepare(self, semantics: Semantics) -> Semantics:
        """The same label maps, with what `readings` names looked up where it is not yet."""

    def draw_style(self, count: int, semantics: Semantics | None = None, normal: Normal | None = None) -> Style | None:
        """The style of `count` pictures, from N(0, 1) numbers of `normal`; None where there is no style.

        Args:
            count: Of pictures.
            semantics: Their label maps, or one of which all are pictures, for styles that depend on which classes or
                instances there are.
            normal: Makes the numbers; None: torch's own random state.
        """

    def completed(self, style: Style, semantics: Semantics | None = None, normal: Normal | None = None) -> Style:
        """A style, as an encoder says it, with what is drawn besides; arguments as of `draw_style`."""

    def check_drawn(self) -> None:
        """Whether drawn styles look like anything, for whoever asks for them; a training draws them whatever they are.

        Raises:
            ValueError: what they are drawn from is not known yet; says the way out.
        """

    def check_batch(self, samples: int) -> None:
        """Whether so many samples a batch are enough for its statistics.

        Raises:
            ValueError: they are not; says what to change.
        """

    def check_tiles(self, tile: int | Sequence[int]) -> None:
        """Whether `in_tiles` can be called.

        Raises:
            ValueError: its layers see too much of a picture, or these are no tiles; says what is possible.
        """

    def in_tiles(self, semantics: Semantics, style: Style | None, tile: int | Sequence[int],
                 progress: Progress | None = None) -> Tensor:
        """In evaluation mode, the images of a call with the memory of a tile (side in pixels, or height and width)."""

    def resize_start(self) -> None:
        """From now on make other sizes than that of the training images, where a start grid of fixed size forbids it.

        Raises:
            ValueError: nothing forbids it.
        """

    def optimize_for_inference(self, *, compile: bool = False, dtype: torch.dtype | None = None) -> Generator:
        """A copy for drawing only, with the same pictures, faster where it can be."""

    def __call__(self, semantics: Semantics, style: Style | None = None) -> Tensor:
        """Images (N,out_channels,H,W) in [-1,1] of prepared label maps; without a style one is drawn."""


@runtime_checkable
class StyleEncoder(Network, Protocol):
    """Reads the style of images; a module."""

    def encode(self, image: Tensor, semantics: Semantics | None = None) -> Style:
        """The style of images (N,3,H,W) in [-1,1] with these label maps; with the posterior where it has one."""


@runtime_checkable
class Discriminator(Network, Protocol):
    """Judges images beside their label maps; a module.

    It may say in a class attribute `answers` what its predictions are, `verdicts` (real or fake) or `classes`, against
    which what the terms of a loss read (`asks`) is held before a training.
    """

    def __call__(self, semantics: Semantics, image: Tensor) -> list[list[Tensor]]:
        """Scales of feature maps, the prediction last, of images (N,3,H,W) or (2N,3,H,W), twice as many."""


@runtime_checkable
class Segmenter(Network, Protocol):
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


Inputs = TypeVar("Inputs", contravariant=True)


@runtime_checkable
class LossTerm(Protocol[Inputs]):
    """A term of a loss; a module. Its inputs are `semsynth.losses.inputs.LossInputs`, or of a system's own kind.

    A term may have a method `applies(inputs) -> bool`: where it is false, as of a divergence where there is no
    posterior, the term is neither computed nor logged.

    Attributes:
        weight: Its factor in the total.
    """

    weight: float

    def __call__(self, inputs: Inputs, /) -> Tensor:
        """A scalar, unweighted."""


# ---- loops

T = TypeVar("T")


class Progress(Protocol):
    """Shows how far a loop has come."""

    def __call__(self, items: Iterable[T], title: str, total: int, /) -> Iterable[T]:
        """The same items, `total` of them."""


# ---- data sets


@runtime_checkable
class SampleSet(Protocol):
    """A data set: whole samples by their index."""

    def __len__(self) -> int:
        """Number of samples."""

    def __getitem__(self, index: int, /) -> Sample:
        """A sample, with `image` and `labels`."""


@runtime_checkable
class LabelSide(Protocol):
    """Label maps that need no photographs."""

    def __len__(self) -> int:
        """Number of label maps."""

    def label_map(self, index: int) -> Sample:
        """`{labels, name[, instances][, offsets]}` of a sample."""


@runtime_checkable
class Sides(SampleSet, LabelSide, Protocol):
    """A data set whose samples can be had one side at a time."""

    def photograph(self, index: int) -> Sample:
        """`{image, name[, style]}` of a sample."""


@runtime_checkable
class ChangesByEpoch(Protocol):
    """What draws something anew in every epoch: the samples of a data set, or their order."""

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0), in workers that are running, too."""


@runtime_checkable
class Settles(Protocol):
    """A data set that may show other samples in every epoch, and can be had without."""

    def settled(self) -> Sides:
        """The same data set, with the samples of its first epoch in all of them."""


@runtime_checkable
class ImageFiles(Protocol):
    """A data set whose images lie in files, which can be read at the size that they have there."""

    @property
    def place(self) -> Mapping[str, str]:
        """What tells the folder of the files from others, in plain values."""

    def state(self, order: Sequence[int]) -> str:
        """What tells the images of these samples from earlier ones in the same place."""

    def read_image(self, index: int) -> Image.Image:
        """The image of a sample as RGB, before any resizing."""


@runtime_checkable
class KnowsColours(Protocol):
    """A data set that is drawn, and knows which colours it has given to its objects."""

    def colours(self, index: int) -> Mapping[str, Tensor]:
        """`colours` (6,H,W) float32 and `objects` (H,W) int64, see `semsynth.data.scenes.colours`."""


@runtime_checkable
class LabelFiles(Protocol):
    """A data set whose label maps lie in files, which can be read at the size that they have there."""

    def read_labels(self, index: int) -> np.ndarray:
        """Classes (H,W) int64 of a sample, before any resizing."""
