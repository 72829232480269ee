"""The segmenter in the loop of an unpaired training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.errors import SegmenterError
from semsynth.pretrained.folder import tool
from semsynth.segmenters.channels import judged_classes, to_classes
from semsynth.segmenters.class_maps import CLASS_MAPS
from semsynth.segmenters.judge import Judge, NoJudge, load_judge
from semsynth.segmenters.preprocessing import Preprocessing


class LoopSegmenter(nn.Module):
    """A segmentation network S that a generator is trained with (Unpaired SPADE).

    Unlike a `Judge` it is trained, unless it is frozen: then it stays in evaluation mode, and gradients only pass
    through it to the images. Computes at one scale.

    Args:
        network: Normalised images (N,3,H,W) -> logits (N,C,h,w) at any stride.
        classes: Names of the data set's classes.
        preprocessing: From images in [-1,1] to the network's input; null: as they are, as published.
        class_map: See `semsynth.segmenters.channels.to_classes`.
        ignore: Class of pixels without a class; null where there is none.
        frozen: Whether the weights stay as they are.
        momentum: Share of each batch in the statistics of the batch norms; null: as the network has it.
    """

    answered: Tensor

    def __init__(self, network: nn.Module, *, classes: Sequence[str], preprocessing: Preprocessing | None = None,
                 class_map: Sequence[int | None] | None = None, ignore: int | None = None,
                 frozen: bool = False, momentum: float | None = None) -> None:
        super().__init__()
        if momentum is not None and not 0 < momentum <= 1:
            raise ValueError(f"momentum must be null or in (0, 1], got {momentum}")
        self.network, self.frozen = network, frozen
        self.classes, self.num_classes, self.ignore = list(classes), len(classes), ignore
        self.preprocessing = preprocessing if preprocessing is not None else Preprocessing()
        self.class_map = None if class_map is None else list(class_map)
        answered = torch.zeros(self.num_classes, dtype=torch.bool)
        answered[judged_classes(class_map, self.num_classes, ignore)] = True
        self.register_buffer("answered", answered, persistent=False)
        for module in network.modules():
            if momentum is not None and isinstance(module, nn.BatchNorm2d):
                module.momentum = momentum
        self.requires_grad_(not frozen)
        self.train()

    def train(self, mode: bool = True) -> LoopSegmenter:
        """Set the mode; a frozen segmenter stays in evaluation mode."""
        return super().train(mode and not self.frozen)

    def truth(self, labels: Tensor) -> Tensor:
        """Labels (N,H,W), -1 where the segmenter cannot be asked: unknown pixels, and classes without a channel."""
        return torch.where(self.answered[labels], labels, -1)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1] -> logits (N,K,H,W) float32; -inf for classes without a channel.

        Raises:
            SegmenterError: the network answers with another number of channels.
        """
        x = self.preprocessing(images).contiguous(memory_format=torch.channels_last)
        logits = F.interpolate(self.network(x).float(), images.shape[-2:], mode="bilinear", align_corners=False)
        try:
            return to_classes(logits, self.class_map, self.num_classes)
        except ValueError as error:
            raise SegmenterError(f"the segmenter in the loop {error}: give it the data set's num_classes") from error

    def probabilities(self, images: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1] -> probabilities (N,K,H,W) float32 of the classes."""
        return self(images).softmax(1)


def untrained(network: nn.Module, classes: Sequence[str], ignore: int | None = None, momentum: float | None = None,
              labels: str | None = None) -> LoopSegmenter:
    """A segmenter with fresh weights, trained together with the generator.

    Args:
        network: Of as many channels as there are classes.
        classes: Names of the data set's classes.
        ignore: Index of the unknown class; null where there is none.
        momentum: See `LoopSegmenter`.
        labels: Names what the channels stand for, in `semsynth.segmenters.class_maps`, and with it the unknown class;
            null: a channel for every class.

    Raises:
        SegmenterError: there is no such class map, or it is of other classes.
    """
    if labels is None:
        return LoopSegmenter(network, classes=classes, ignore=ignore, momentum=momentum)
    if labels not in CLASS_MAPS or list(CLASS_MAPS[labels].classes) != list(classes):
        fitting = [name for name, known in CLASS_MAPS.items() if list(known.classes) == list(classes)]
        raise SegmenterError(f"system.segmenter.labels={labels} is no class map of this data set: leave it null"
                             + (f", or take {', '.join(fitting)}" if fitting else ""))
    found = CLASS_MAPS[labels]
    return LoopSegmenter(network, classes=classes, class_map=list(found.channels), ignore=found.ignore,
                         momentum=momentum)


def pretrained(classes: Sequence[str], path: str | Path | None = None, judge: Judge | NoJudge | None = None,
               frozen: bool = True, momentum: float | None = None) -> LoopSegmenter:
    """A segmenter that was trained before.

    Args:
        classes: Names of the data set's classes, which must be the segmenter's.
        path: File of `tools/train_segmenter.py`.
        judge: Or a published segmenter with its weights (a choice of `conf/segmenter`).
        frozen: Keep its weights; otherwise they are trained on together with the generator.
        momentum: See `LoopSegmenter`.

    Raises:
        SegmenterError: both or neither are given, it cannot be had, or the classes differ.
    """
    if (path is None) == (judge is None):
        raise SegmenterError("a pretrained segmenter needs system.segmenter.path=FILE.safetensors (python "
                             "tools/train_segmenter.py dataset=... output=FILE.safetensors makes one), or "
                             "segmenter@system.segmenter.judge=NAME system.segmenter.judge.weights=FILE")
    if isinstance(judge, NoJudge):
        raise SegmenterError(judge.told(tool()))
    found = judge if judge is not None else load_judge(str(path))
    found.check_classes(classes)
    return LoopSegmenter(found.network, classes=classes, preprocessing=found.preprocessing, class_map=found.class_map,
                         ignore=found.ignore, frozen=frozen, momentum=momentum)
