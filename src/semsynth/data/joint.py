"""One crop and one flip for the image, labels, instances and offsets of a sample, through albumentations."""

from collections.abc import Sequence
from random import Random
from typing import Any

import albumentations as A
import numpy as np


class _JointFlip(A.HorizontalFlip):
    """Horizontal flip that knows the offset map, the only mask with channels (H,W,2): vertical, horizontal.

    `swaps` are pairs of labels that change places, as left and right eyes in a mirror.
    """

    def __init__(self, published: bool, p: float, swaps: Sequence[Sequence[int]] = ()) -> None:
        super().__init__(p=p)
        self.published, self.swaps = published, swaps

    def apply_with_params(self, params: dict[str, Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Mirror everything, and have labels change places."""
        turned: dict[str, Any] = super().apply_with_params(params, *args, **kwargs)
        if self.swaps and turned.get("mask") is not None:
            before = turned["mask"]
            turned["mask"] = before.copy()
            for left, right in self.swaps:
                turned["mask"][before == left] = right
                turned["mask"][before == right] = left
        return turned

    def apply_to_mask(self, mask: np.ndarray, *args: Any, **params: Any) -> np.ndarray:
        """Mirror a mask; of offsets, also change the sign of the horizontal channel."""
        if mask.ndim == 2:
            return np.ascontiguousarray(mask[:, ::-1])
        if self.published:
            return np.ascontiguousarray(mask[::-1])  # published: upside down, with the signs as they were
        return mask[:, ::-1] * np.array([1, -1], mask.dtype)


class JointTransform:
    """Crop, flip and optional colour changes of a sample of arrays, repeatable by seed.

    Args:
        crop: (H,W) of the crop, or null for none.
        random: Draw the place of the crop; otherwise the centre.
        flip: Flip horizontally with probability 1/2.
        flip_swaps: Pairs of labels that change places in a flipped label map.
        published_offsets: Flip offsets as the released ICPE code does.
        augment: albumentations transforms that change the image only, applied last.

    Raises:
        ValueError: an augmentation that moves pixels.
    """

    def __init__(
        self,
        crop: tuple[int, int] | None,
        *,
        random: bool = True,
        flip: bool = True,
        flip_swaps: Sequence[Sequence[int]] = (),
        published_offsets: bool = False,
        augment: Sequence[A.BasicTransform] = (),
    ) -> None:
        for transform in augment:
            if not isinstance(transform, A.ImageOnlyTransform):
                raise ValueError(
                    f"{type(transform).__name__} moves pixels, which offsets and instance edges would not follow: "
                    "use transforms of colour, noise or blur in the group augment"
                )
        steps: list[A.BasicTransform] = []
        if crop is not None:
            steps.append(A.RandomCrop(*crop) if random else A.CenterCrop(*crop))
        if flip:
            steps.append(_JointFlip(published_offsets, p=0.5, swaps=flip_swaps))
        targets = {"instances": "mask", "offsets": "mask"}
        self._compose = A.Compose([*steps, *augment], additional_targets=targets) if steps or augment else None

    def __call__(self, sample: dict[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
        """Transform `{image (H,W,3) uint8, labels (H,W)[, instances (H,W)][, offsets (H,W,2)]}`; keys stay."""
        if self._compose is None:
            return sample
        # not set_random_seed: it gives every transform a generator of its own with the same seed, so that the row of
        # the crop would decide the flip; here all draw from one generator of each of the two kinds that they use
        self._compose.set_random_state(np.random.default_rng(seed), Random(seed))
        arguments = {"mask" if key == "labels" else key: value for key, value in sample.items()}
        result = self._compose(**arguments)
        return {key: result["mask" if key == "labels" else key] for key in sample}
