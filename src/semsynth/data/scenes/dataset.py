"""The `scenes` data set."""

import copy
from collections.abc import Callable, Sequence

import numpy as np
import torch

from semsynth.chance import stream
from semsynth.data.epochs import EpochDataset
from semsynth.data.scenes.colours import render_colours
from semsynth.data.scenes.layout import Scene, random_scene
from semsynth.data.scenes.render import render, render_parts
from semsynth.semantics.samples import Sample

Offsets = Callable[[np.ndarray], np.ndarray]  # labels (H, W) int64 -> (2, H, W) float32

_SPLITS = {"train": 0, "val": 1}


class Scenes(EpochDataset):
    """Outdoor scenes, drawn on the fly and deterministic by (seed, split, index, epoch) in any process.

    A sample holds `image` (3, H, W) float32 in [-1, 1], `labels` (H, W) int64 in [0, 12), `name`, `style` (3,) float32
    (time of day, haze and hue, each uniform in [0, 1]) and, when asked for, `instances` (H, W) int64 (an id per object;
    stuff classes have one id each) and `offsets` (2, H, W) float32.

    Args:
        length: Samples in an epoch, >= 1.
        size: Side of a square picture or (H, W), at least 16. Every size of one aspect ratio shows the same scenes.
        split: "train" or "val"; their scenes never coincide.
        seed: Of the whole data set, >= 0.
        instances: Whether samples hold instance ids.
        offsets: Function from labels (H, W) to offsets (2, H, W), such as `semsynth.semantics.icpe.Offsets`; null or
            disabled: none. It sees the mirrored labels where `flip` mirrors.
        flip: Whether half of the samples are mirrored.
        fresh: Whether every epoch of the train split shows new scenes, instead of the same `length` ones again. The val
            split is always the same.

    Raises:
        ValueError: for a length, size, split or seed out of range.
    """

    def __init__(
        self,
        length: int,
        size: int | Sequence[int] = 64,
        split: str = "train",
        seed: int = 0,
        *,
        instances: bool = False,
        offsets: Offsets | None = None,
        flip: bool = False,
        fresh: bool = True,
    ) -> None:
        super().__init__()
        sides = (size, size) if isinstance(size, int) else tuple(size)
        if len(sides) != 2:
            raise ValueError(f"size must be one side or [height, width] in pixels, got {size}")
        height, width = sides
        if length < 1:
            raise ValueError(f"length must be >= 1, got {length}")
        if min(height, width) < 16:
            raise ValueError(f"size must be at least 16 pixels each way, got {height}x{width}")
        if split not in _SPLITS:
            raise ValueError(f"split must be one of {', '.join(_SPLITS)}, got {split!r}")
        if seed < 0:
            raise ValueError(f"seed must be >= 0, got {seed}")
        self.length, self.height, self.width = length, int(height), int(width)
        self.split, self.seed = split, seed
        self.instances, self.flip, self.fresh = instances, flip, fresh
        # an object that says it is disabled (`semsynth.semantics.icpe.Offsets`) counts as none
        self.offsets = offsets if offsets is not None and getattr(offsets, "enabled", True) else None

    def __len__(self) -> int:
        """Return the number of samples in an epoch."""
        return self.length

    def settled(self) -> "Scenes":
        """The same data set, with the same scenes every epoch: those of the first one."""
        other = copy.copy(self)
        other.fresh = False
        return other

    def photograph(self, index: int) -> Sample:
        """Draw one sample, without what tells its classes: `{image, name, style}`."""
        sample = self[index]
        return {"image": sample["image"], "name": sample["name"], "style": sample["style"]}

    def label_map(self, index: int) -> Sample:
        """Draw one sample, without its image: `{labels, name[, instances][, offsets]}`."""
        sample = self[index]
        del sample["image"], sample["style"]
        return sample

    def parts(self, index: int) -> torch.Tensor:
        """Draw what the label map of one sample does not tell: (H, W) int64 of `parts.PARTS`."""
        number, epoch = self._numbered(index)
        drawn = render_parts(self._scene(number)[0], self.height, self.width)
        if self.flip and self._mirrored(number, epoch):
            drawn = np.ascontiguousarray(drawn[:, ::-1])
        return torch.from_numpy(drawn)

    def colours(self, index: int) -> dict[str, torch.Tensor]:
        """Draw what is known of the colours of one sample's objects, see `colours.render_colours`.

        Returns:
            `colours` (6, H, W) float32 and `objects` (H, W) int64.
        """
        number, epoch = self._numbered(index)
        drawn = render_colours(*self._scene(number), self.height, self.width)
        if self.flip and self._mirrored(number, epoch):
            drawn = drawn[0][..., ::-1], drawn[1][..., ::-1]
        return {name: torch.from_numpy(np.ascontiguousarray(array))
                for name, array in zip(("colours", "objects"), drawn, strict=True)}

    def _numbered(self, index: int) -> tuple[int, int]:
        """The scene's number, and the epoch."""
        if not -self.length <= index < self.length:
            raise IndexError(f"index {index} is out of range for {self.length} scenes")
        index %= self.length
        epoch = self.epoch if self.split == "train" else 0
        return (index + epoch * self.length if self.fresh else index), epoch

    def _scene(self, number: int) -> tuple[Scene, np.ndarray]:
        """A scene and its style (3,)."""
        # a stream of its own for every scene: the same numbers in any process, order and platform. Not by
        # `semsynth.chance`, whose keys are hashes: this key defines the pictures of the data set
        rng = np.random.default_rng([self.seed, _SPLITS[self.split], number])
        style = rng.random(3)
        return random_scene(rng, self.width / self.height), style

    def _mirrored(self, number: int, epoch: int) -> bool:
        return bool(stream("flip of a scene", self.seed, _SPLITS[self.split], number, epoch).random() < 0.5)

    def __getitem__(self, index: int) -> Sample:
        """Draw one sample.

        Raises:
            IndexError: for an index outside of [-length, length).
        """
        number, epoch = self._numbered(index)
        scene, style = self._scene(number)
        image, labels, instances = render(scene, style, self.height, self.width)
        image *= 2
        image -= 1
        if self.flip and self._mirrored(number, epoch):
            image, labels, instances = (np.ascontiguousarray(array[..., ::-1]) for array in (image, labels, instances))
        sample: Sample = {
            "image": torch.from_numpy(image),
            "labels": torch.from_numpy(labels),
            "name": f"{self.split}_{number:06d}",
            "style": torch.from_numpy(style.astype(np.float32)),
        }
        if self.instances:
            sample["instances"] = torch.from_numpy(instances)
        if self.offsets is not None:
            sample["offsets"] = torch.from_numpy(self.offsets(labels))
        return sample


class SceneParts(Scenes):
    """The same scenes with the parts of their objects (`parts.PARTS`) for labels, to train a network that finds them.

    See `Scenes` for the arguments; instances and offsets stay those of the objects.
    """

    def __getitem__(self, index: int) -> Sample:
        """Draw one sample; `labels` (H, W) int64 in [0, 5)."""
        return super().__getitem__(index) | {"labels": self.parts(index)}
