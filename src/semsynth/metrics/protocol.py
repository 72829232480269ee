"""Every choice that moves a score, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from semsynth.metrics.confusion import Accumulate, ClassMean, Confusion
from semsynth.segmenters.judge import Judge

Style = Literal["normal", "image", "posterior"]
RealResize = Literal["bicubic", "bilinear", "interpolate", "native"]
InceptionResize = Literal["pytorch_fid", "torchmetrics", "tensorflow"]
LabelSize = Literal["image", "native"]
LabelResize = Literal["nearest", "bilinear"]
LpipsNetwork = Literal["alex", "vgg", "squeeze"]
Restriction = Literal["mask_images", "mask_map"]
SsimRange = Literal[1, 2]

CHOICES: dict[str, object] = {
    "style": Style, "real_resize": RealResize, "inception_resize": InceptionResize, "label_size": LabelSize,
    "label_resize": LabelResize, "class_mean": ClassMean, "accumulate": Accumulate, "lpips_network": LpipsNetwork,
    "class_restriction": Restriction, "ssim_range": SsimRange,
}
MANY = 10**7  # images: five times those of Places365; more is a slip, which would be generated for weeks
BOUNDS = {
    "count": (2, MANY), "train_count": (2, MANY), "kid_subsets": (1, 10**5), "kid_subset_size": (2, MANY),
    "kid_pool": (2, MANY), "neighbours": (1, 1000), "diversity_maps": (0, MANY), "diversity_samples": (2, 1000),
    "seed": (0, 2**63 - 1),
}
LONGEST_SIDE = 16384


@dataclass(frozen=True)
class Protocol:
    """How scores are taken; written next to every score.

    Generated images are rounded to 8 bits first, as files hold them, so that a run and its saved pictures score alike.

    >>> protocol = Protocol("mine", count=100, real_resize="native").settled(dataset="camvid", judge=None)
    >>> protocol.count, protocol.class_mean, protocol.confusion(3, counted=[0, 1]).counted
    (100, 'nan_mean', [0, 1])

    Args:
        name: Of this protocol.
        count: Label maps for which images are generated; a data set that is drawn makes as many, one of files gives at
            most as many, spread over the split. None: the whole validation split.
        train_count: Real training images, likewise.
        seed: Of the styles and of the subsets of KID.
        style: Draws z ~ N(0,1) (`normal`), or takes the encoder's mean for the label map's own photograph (`image`) or
            a draw from its posterior (`posterior`). A generator without style ignores it.
        real_size: [H,W] of the real images, None: the size of the generated ones.
        real_resize: How real images come from their files to that size: PIL's `bicubic` or `bilinear`, which antialias
            and round; `interpolate`, torch's bilinear on float tensors, which does neither (the script that CLADE's
            authors released); `native` leaves them at their own size.
        inception_resize: How images come to 299x299: `pytorch_fid` as in the code that the papers use (bilinear without
            antialiasing), `torchmetrics` with antialiasing, `tensorflow` as TensorFlow 1 did.
        kid_subsets: Subsets of KID.
        kid_subset_size: Images in a subset.
        kid_pool: Images, spread over each set, whose features KID draws from, and among which neighbours are sought.
        neighbours: Nearest neighbours of precision, recall, density and coverage.
        segmenter_size: [H,W] to which images are resized (bilinear) before they reach the segmenter; None: as they are.
        label_size: Compare at the size of the generated image, or at the label file's own (`native`).
        label_resize: Filter of label maps: `nearest`, or `bilinear` of the one-hot maps.
        ignore: Names of classes of the data set whose pixels do not count, besides the unknown class and
            those that the segmenter does not know (as 16 of Cityscapes' 35; `segmenter.class_map` says which).
        class_mean: Over which classes mIoU averages, see `confusion.mean_iou`; None: as the segmenter's own evaluation.
        accumulate: One matrix of the data set, or scores of the images averaged.
        void_is_wrong: Whether ignored pixels count as wrong in the pixel accuracy, or the names of the data sets on
            which they do.
        diversity_maps: Label maps whose samples are compared; 0: no diversity, nor mCSD and mOCD.
        diversity_samples: Images for each of them.
        lpips_network: Backbone of LPIPS: alex, vgg or squeeze.
        class_restriction: How mCSD and mOCD restrict a distance to a class, see `class_diversity.ClassDiversity`.
        ssim_range: Data range of SSIM, see `reconstruction.Reconstruction`.

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
    neighbours: int = 5
    segmenter_size: Sequence[int] | None = None
    label_size: LabelSize = "image"
    label_resize: LabelResize = "nearest"
    ignore: Sequence[str] = ()
    class_mean: ClassMean | None = None
    accumulate: Accumulate = "dataset"
    void_is_wrong: bool | Sequence[str] = False
    diversity_maps: int = 64
    diversity_samples: int = 4
    lpips_network: LpipsNetwork = "alex"
    class_restriction: Restriction = "mask_images"
    ssim_range: SsimRange = 2

    def __post_init__(self) -> None:
        for key, choices in CHOICES.items():
            if getattr(self, key) not in get_args(choices) and not (key == "class_mean" and self.class_mean is None):
                raise ValueError(f"protocol.{key} must be one of {', '.join(map(str, get_args(choices)))}, "
                                 f"got {getattr(self, key)!r}")
        for key, (least, most) in BOUNDS.items():
            value = getattr(self, key)
            if value is not None and not least <= value <= most:
                raise ValueError(f"protocol.{key} must be a whole number from {least} to {most}, got {value}")
        for key in ("real_size", "segmenter_size"):
            size = getattr(self, key)
            if size is not None and not (len(size) == 2 and min(size) >= 1 and max(size) <= LONGEST_SIDE):
                raise ValueError(f"protocol.{key} must be [height, width] in pixels, each from 1 to {LONGEST_SIDE}, "
                                 f"got {size}")

    def settled(self, dataset: str | None, judge: Judge | None) -> Protocol:
        """This protocol for a data set and a segmenter (None: no segmenter): whatever follows from them is decided.

        Raises:
            ValueError: the segmenter averages over the classes in a way that is not known.
        """
        void = self.void_is_wrong if isinstance(self.void_is_wrong, bool) else dataset in self.void_is_wrong
        wanted: Any = self.class_mean or ("nan_mean" if judge is None else judge.class_mean)  # is checked anew
        return replace(self, class_mean=wanted, void_is_wrong=void)

    def pool(self, general: bool) -> int:
        """Of how many images the features themselves are kept; moments are kept of all."""
        return self.kid_pool if general else 0

    def confusion(self, classes: int, counted: Sequence[int]) -> Confusion:
        """A confusion matrix of so many classes with these conventions; of a `settled` protocol."""
        assert self.class_mean is not None
        return Confusion(classes, self.class_mean, self.accumulate, bool(self.void_is_wrong), counted)

    def as_dict(self) -> dict[str, object]:
        """All values, for a file."""
        return {key: list(value) if isinstance(value, list | tuple) else value for key, value in asdict(self).items()}
