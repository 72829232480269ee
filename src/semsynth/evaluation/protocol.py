"""Every choice that moves a score, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from semsynth.evaluation.confusion import Accumulate, ClassMean

Style = Literal["normal", "image", "posterior"]
RealResize = Literal["bicubic", "bilinear", "native"]
InceptionResize = Literal["pytorch_fid", "torchmetrics", "tensorflow"]
LabelSize = Literal["image", "native"]
LabelResize = Literal["nearest", "bilinear"]
LpipsNetwork = Literal["alex", "vgg", "squeeze"]

CHOICES: dict[str, Any] = {
    "style": Style, "real_resize": RealResize, "inception_resize": InceptionResize, "label_size": LabelSize,
    "label_resize": LabelResize, "class_mean": ClassMean, "accumulate": Accumulate, "lpips_network": LpipsNetwork,
}


@dataclass(frozen=True)
class Protocol:
    """How scores are taken; written next to every score.

    Generated images are rounded to 8 bits first, as files hold them, so that a run and its saved pictures score alike.

    Args:
        name: Of this protocol.
        count: Label maps for which images are generated; a data set that is drawn makes as many, one of files gives at
            most as many, spread over the split. None: the whole validation split.
        train_count: Real training images, likewise.
        seed: Of the styles and of the subsets of KID.
        style: z ~ N(0,1) (`normal`); the encoder's mean for the label map's own photograph (`image`) or a draw from
            its posterior (`posterior`). A generator without style ignores it.
        real_size: [H,W] of the real images, None: the size of the generated ones.
        real_resize: Filter from the file to that size (PIL); `native` leaves the real images at their own size.
        inception_resize: How images come to 299x299: `pytorch_fid` as in the code that the papers use (bilinear without
            antialiasing), `torchmetrics` with antialiasing, `tensorflow` as TensorFlow 1 did.
        kid_subsets: Subsets of KID.
        kid_subset_size: Images in a subset.
        kid_pool: Images, spread over each set, whose features KID draws from.
        segmenter_size: [H,W] to which images are resized (bilinear) before they reach the segmenter; None: as they are.
        label_size: Compare at the size of the generated image, or at the label file's own (`native`).
        label_resize: Filter of label maps: `nearest`, or `bilinear` of the one-hot maps.
        ignore: Names of classes of the data set whose pixels do not count, besides the unknown class and
            those that the segmenter does not know (as 16 of Cityscapes' 35; `segmenter.class_map` says which).
        class_mean: Over which classes mIoU averages, see `confusion.mean_iou`.
        accumulate: One matrix of the data set, or scores of the images averaged.
        void_is_wrong: Whether ignored pixels count as wrong in the pixel accuracy.
        diversity_maps: Label maps whose samples are compared; 0: no diversity.
        diversity_samples: Images for each of them.
        lpips_network: Backbone of LPIPS: alex, vgg or squeeze.

    Raises:
        ValueError: a value out of range.
    """

    name: str
    count: int | None = 1024
    train_count: int | None = 1024
    seed: int = 0
    style: Style = "image"
    real_size: Sequence[int] | None = None
    real_resize: RealResize = "bicubic"
    inception_resize: InceptionResize = "pytorch_fid"
    kid_subsets: int = 100
    kid_subset_size: int = 1000
    kid_pool: int = 10000
    segmenter_size: Sequence[int] | None = None
    label_size: LabelSize = "image"
    label_resize: LabelResize = "nearest"
    ignore: Sequence[str] = ()
    class_mean: ClassMean = "nan_mean"
    accumulate: Accumulate = "dataset"
    void_is_wrong: bool = False
    diversity_maps: int = 64
    diversity_samples: int = 4
    lpips_network: LpipsNetwork = "alex"

    def __post_init__(self) -> None:
        for key, choices in CHOICES.items():
            if getattr(self, key) not in get_args(choices):
                raise ValueError(f"protocol.{key} must be one of {', '.join(get_args(choices))}, "
                                 f"got {getattr(self, key)!r}")
        for key, least in (("count", 2), ("train_count", 2), ("kid_subsets", 1), ("kid_subset_size", 2),
                           ("kid_pool", 2), ("diversity_maps", 0), ("diversity_samples", 2), ("seed", 0)):
            value = getattr(self, key)
            if value is not None and value < least:
                raise ValueError(f"protocol.{key} must be >= {least}, got {value}")
        for key in ("real_size", "segmenter_size"):
            size = getattr(self, key)
            if size is not None and (len(size) != 2 or min(size) < 1):
                raise ValueError(f"protocol.{key} must be [height, width] in pixels, got {size}")

    def as_dict(self) -> dict[str, Any]:
        """All values, for a file."""
        return {key: list(value) if isinstance(value, list | tuple) else value for key, value in asdict(self).items()}
