"""A segmentation network that judges images: frozen, with the preprocessing that its training asks for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from semsynth.class_names import fault_of
from semsynth.errors import BackboneError, SegmenterError, TensorFileError
from semsynth.segmenters.channels import judged_classes, to_classes
from semsynth.segmenters.network_file import network_class, read_about, save_judge
from semsynth.segmenters.preprocessing import Preprocessing
from semsynth.segmenters.state_dict import load_into, read_state_dict
from semsynth.weights.loading import built_for
from semsynth.weights.tensor_files import sha256_of

__all__ = ["Judge", "NoJudge", "load_judge", "own_judge", "save_judge", "shipped"]

WEIGHTS = Path(__file__).parent / "weights"


@runtime_checkable
class HasFeatures(Protocol):
    """A network whose inner features can be compared."""

    def features(self, x: Tensor) -> Tensor:
        """Normalised images (N,3,H,W) -> (N,F,h,w)."""


@runtime_checkable
class HasBackbone(Protocol):
    """A network that stands on another one, which it does not hold itself."""

    def backbone(self) -> Mapping[str, object]:
        """What the other one is, in plain values."""


class Judge(nn.Module):
    """A frozen segmentation network with its preprocessing, always in evaluation mode.

    Gradients reach the images, never the weights. Computes in float32, also under autocast.

    Args:
        network: Normalised images (N,3,H,W) -> logits (N,C,h,w) at any stride; see also `HasFeatures`, `HasBackbone`.
            An attribute `min_size`, if there is one, is the shortest side that it takes.
        name: Names the scores made with it: `frechet/NAME`.
        classes: Names of the classes, in the order of the data set's labels.
        weights: A `.pth` or `.safetensors` state dict to load; null keeps the network's weights.
        keys: Renames the file's keys to the network's: state dict -> state dict; null where they agree.
        preprocessing: From images in [-1,1] to the network's input; null is its defaults.
        class_map: For every channel of the network the class that it stands for, null where it stands for none; null
            altogether where channel and class agree. Channels of one class are summed (as probabilities); a class
            without a channel gets -inf.
        ignore: Class of pixels without a class, which no score counts; null where there is none.
        class_mean: Over which classes its own evaluation averages the IoU: `all`, `present` or `nan_mean`, see
            `semsynth.metrics.confusion.mean_iou`.
        about: Everything else that is known of the weights, such as the scores of their training.

    Raises:
        SegmenterError: the weights cannot be read or do not fit.
        ValueError: classes, map and ignored class do not agree.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        name: str,
        classes: Sequence[str],
        weights: str | Path | None = None,
        keys: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None,
        preprocessing: Preprocessing | None = None,
        class_map: Sequence[int | None] | None = None,
        ignore: int | None = None,
        class_mean: str = "nan_mean",
        about: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__()
        self.name, self.classes = name, list(classes)
        self.num_classes = len(self.classes)
        self.class_map = None if class_map is None else list(class_map)
        for target in self.class_map or []:
            if target is not None and not 0 <= target < self.num_classes:
                raise ValueError(f"class_map: {target} is no class, there are {self.num_classes}")
        if ignore is not None and not 0 <= ignore < self.num_classes:
            raise ValueError(f"ignore={ignore} is no class, there are {self.num_classes}")
        self.ignore, self.class_mean = ignore, class_mean
        self.preprocessing = preprocessing if preprocessing is not None else Preprocessing()
        self.about = dict(about or {})
        self.weights = None if weights is None else Path(weights)
        self.sha256 = None
        if self.weights is not None:
            state = read_state_dict(self.weights)
            load_into(network, state if keys is None else keys(state), self.weights)
            self.sha256 = sha256_of(self.weights)
        self.network = network
        self.requires_grad_(False)
        self.eval()

    @property
    def judged(self) -> list[int]:
        """The classes that it can answer, in order."""
        return judged_classes(self.class_map, self.num_classes, self.ignore)

    def train(self, mode: bool = True) -> "Judge":
        """Stay in evaluation mode, whatever the module around it does."""
        return super().train(False)

    def logits(self, images: Tensor, size: Sequence[int] | None = None) -> Tensor:
        """Segment images.

        Args:
            images: (N,3,H,W) in [-1,1].
            size: (h,w) of the answer; null is the images' own.

        Returns:
            (N,K,h,w) float32 for the K classes; log-probabilities where the probabilities of scales are averaged.

        Raises:
            SegmenterError: images of another shape, with NaN or infinite values, or too small; or an answer with
                another number of channels.
        """
        self._check(images)
        height, width = (images.shape[-2], images.shape[-1]) if size is None else size
        with torch.autocast(images.device.type, enabled=False):
            answers = [self.network(self.preprocessing(images, scale)).float() for scale in self.preprocessing.scales]
            return self._classes_of(self.preprocessing.merged(answers, (int(height), int(width))))

    forward = logits

    def features(self, images: Tensor) -> Tensor:
        """Spatial means of the network's inner features, for Frechet distances.

        Args:
            images: (N,3,H,W) in [-1,1].

        Returns:
            (N,F) float32, at the first scale.

        Raises:
            SegmenterError: as `logits`.
        """
        self._check(images)
        return self.feature_maps(images).mean((2, 3))

    def feature_maps(self, images: Tensor) -> Tensor:
        """The network's inner features (N,F,h,w) float32 of images (N,3,H,W) in [-1,1], at the first scale.

        Raises:
            SegmenterError: the network shows none.
        """
        if not isinstance(self.network, HasFeatures):
            raise SegmenterError(f"{type(self.network).__name__} has no `features` to compare images by")
        with torch.autocast(images.device.type, enabled=False):
            return self.network.features(self.preprocessing(images, self.preprocessing.scales[0])).float()

    def check_classes(self, names: Sequence[str]) -> None:
        """Compare the classes with a data set's.

        Raises:
            SegmenterError: they differ; names the first differences.
        """
        names = list(names)
        if names == self.classes:
            return
        rows = [f"  {i}: {ours!r}, the data set has {theirs!r}"
                for i, (ours, theirs) in enumerate(zip(self.classes, names, strict=False)) if ours != theirs]
        if len(names) != self.num_classes:
            rows.insert(0, f"  {self.num_classes} classes, the data set has {len(names)}")
        raise SegmenterError(
            f"the segmenter {self.weights or self.name} has other classes than the data set:\n" + "\n".join(rows[:6])
            + "\nTrain one with python tools/train_segmenter.py dataset=..., or take another segmenter="
        )

    def description(self) -> dict[str, object]:
        """Everything that moves a score, in plain values."""
        return {
            "name": self.name,
            "network": f"{type(self.network).__module__}.{type(self.network).__qualname__}",
            "weights": None if self.weights is None else self.weights.name,
            "sha256": self.sha256,
            "classes": self.num_classes,
            "class_map": self.class_map,
            "ignore": self.ignore,
            **({"backbone": self.network.backbone()} if isinstance(self.network, HasBackbone) else {}),
            **self.preprocessing.as_dict(),
        }

    def _classes_of(self, logits: Tensor) -> Tensor:
        """Channels (N,C,h,w) -> classes (N,K,h,w)."""
        try:
            return to_classes(logits, self.class_map, self.num_classes)
        except ValueError as error:
            raise SegmenterError(f"the segmenter {self.name} {error}: set its class_map, or take one with the data "
                                 f"set's classes") from error

    def _check(self, images: Tensor) -> None:
        if images.ndim != 4 or images.shape[1] != 3:
            raise SegmenterError(f"images must be (N,3,H,W), got {tuple(images.shape)}")
        bad = (~torch.isfinite(images)).flatten(1).any(1).nonzero().flatten().tolist()
        if bad:
            raise SegmenterError(f"images {bad} of the batch have NaN or infinite values")
        least = int(getattr(self.network, "min_size", 1))
        for scale in self.preprocessing.scales:
            height, width = self.preprocessing.size_at(images.shape[-2], images.shape[-1], scale)
            if min(height, width) < least:
                raise SegmenterError(f"images of {width}x{height} (width x height) are too small for "
                                     f"{type(self.network).__name__}, which needs sides of {least}: "
                                     f"set the segmenter's input_size, or score larger images")


def shipped(name: str = "scenes") -> Path:
    """Path of the weights that come with the package.

    Raises:
        SegmenterError: there are none of that name.
    """
    path = WEIGHTS / f"{name}.safetensors"
    if not path.is_file():
        there = ", ".join(sorted(p.stem for p in WEIGHTS.glob("*.safetensors"))) or "none"
        raise SegmenterError(f"no segmenter {name} comes with the package (there are: {there})")
    return path


def load_judge(path: str | Path) -> Judge:
    """Load a segmenter that `tools/train_segmenter.py` wrote: network, weights and preprocessing in one file.

    Raises:
        SegmenterError: there is no such file, it is none of these, or its weights do not fit its network.
    """
    path = Path(path)
    about = read_about(path)
    state = read_state_dict(path)
    try:
        if faults := [fault for name in (about["name"], *about["classes"]) if (fault := fault_of(name))]:
            raise SegmenterError(f"{path}: a name in its metadata is none: {faults[0]}")
        make = partial(network_class(about["network"], path), **about["arguments"])
        judge = Judge(built_for(make, state, path), name=about["name"], classes=about["classes"],
                      ignore=about["ignore"], preprocessing=Preprocessing(**about["preprocessing"]),
                      class_map=about["class_map"], about=about)
    except SegmenterError:
        raise
    except TensorFileError as error:
        raise SegmenterError(str(error)) from None
    except BackboneError as error:
        raise SegmenterError(f"the segmenter {about['name']} cannot be built: {error}") from error
    except Exception as error:  # whatever metadata that somebody else wrote make of the constructors
        raise SegmenterError(f"{path}: its metadata does not describe a segmenter ({error!r:.300})") from error
    judge.weights, judge.sha256 = path, sha256_of(path)
    return judge


@dataclass(frozen=True)
class NoJudge:
    """Stands for a segmenter that cannot be had.

    Args:
        reason: Why, and how to get it.
        listed: Whether tools/weights.py says where its weights come from.
    """

    reason: str
    listed: bool = False

    def told(self, tool: str) -> str:
        """The reason, with the command that says where the weights come from."""
        return f"{self.reason}: {tool}" if self.listed else self.reason


def own_judge(name: str) -> Judge | NoJudge:
    """The segmenter that comes with the package for a data set, or why it cannot be built on this machine.

    Raises:
        SegmenterError: there is none of that name, or its file is damaged.
    """
    path = shipped(name)
    try:
        return load_judge(path)
    except SegmenterError as error:
        if isinstance(error.__cause__, BackboneError):
            return NoJudge(str(error))
        raise
