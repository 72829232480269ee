"""A segmenter's answers as label maps of photographs."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from semsynth.segmenters.judge import Judge


@dataclass(frozen=True)
class Labeller:
    """From a photograph to its classes.

    Attributes:
        judge: The segmenter, on its device.
        side: Shorter side, in pixels, to which larger photographs are brought (bicubic) before the segmenter sees them
            by its own preprocessing; None: as they are.
    """

    judge: Judge
    side: int | None = None

    @torch.no_grad()
    def __call__(self, picture: Image.Image) -> np.ndarray:
        """An RGB picture -> the likeliest class (h,w) int64 of each pixel, at the size that the segmenter was shown.

        Raises:
            SegmenterError: the picture is too small for the network.
        """
        if self.side is not None and min(picture.size) > self.side:
            share = self.side / min(picture.size)
            width, height = (max(1, round(length * share)) for length in picture.size)
            picture = picture.resize((width, height), Image.Resampling.BICUBIC)
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
        device = next(self.judge.network.parameters()).device
        answer: np.ndarray = self.judge.logits(pixels.to(device).float() / 127.5 - 1)[0].argmax(0).cpu().numpy()
        return answer
