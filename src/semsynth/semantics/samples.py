"""What data sets and loaders hand over: samples, and batches of them."""

from __future__ import annotations

from typing import Required, TypedDict

from torch import Tensor

from semsynth.semantics.packed import Packed
from semsynth.semantics.semantics import Semantics


class Sample(TypedDict, total=False):
    """What a data set says at an index; which keys there are, its class says.

    Keys:
        name: Of the label map, or of the photograph where there is that side alone.
        image: (3,H,W) float32 in [-1,1].
        labels: (H,W) int64.
        instances: (H,W) int64, an id for every object.
        offsets: (2,H,W) float32, from each pixel to the middle of its region.
        style: (S,) float32, where it is known.
        image_name: Of the photograph, where it does not belong to the label map.
        paired: A sample whose sides belong together.
    """

    name: Required[str]
    image: Tensor
    labels: Tensor
    instances: Tensor
    offsets: Tensor
    style: Tensor
    image_name: str
    paired: Sample


class SampleBatch(TypedDict, total=False):
    """Samples of one size, stacked along a new first axis.

    Keys:
        semantics: In place of labels, instances and offsets, where a loader's worker has prepared them.
    """

    name: list[str]
    image: Tensor
    labels: Tensor
    instances: Tensor
    offsets: Tensor
    style: Tensor
    image_name: list[str]
    paired: SampleBatch
    semantics: Packed[Semantics]
