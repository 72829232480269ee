"""Reading the style variables of `scenes` off an image: time of day, haze and hue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.errors import EvaluationError, TensorFileError
from semsynth.metrics.style_recovery import STYLES, r_squared
from semsynth.weights.described import read_about, save_described, smaller
from semsynth.weights.loading import built_for
from semsynth.weights.tensor_files import read_tensors, sha256_of

SHIPPED = Path(__file__).parent / "weights" / "scenes_style.safetensors"
METADATA = "style_regressor"  # key of the JSON in a file's metadata
SIDE = 64  # images are read at this size


class StyleRegressor(nn.Module):
    """Images (N,3,H,W) in [-1,1] -> (N,3) time of day, haze and hue, each in [0,1].

    Strided convolutions with batch normalisation down to 4x4, then two linear layers that know the place: haze shows in
    how colours change towards the horizon. Images are brought to 64x64 first, bilinearly with antialiasing. It sees the
    image alone, no label map.

    >>> tuple(load_style_regressor().predict(torch.zeros(2, 3, 64, 64)).shape)
    (2, 3)

    Args:
        widths: Channels after each of the four strided convolutions.
        hidden: Width of the linear layer.

    Raises:
        ValueError: not four widths.
    """

    sha256: str | None = None  # of the file of weights
    about: Mapping[str, object] = {}

    def __init__(self, widths: Sequence[int] = (24, 48, 96, 128), hidden: int = 96) -> None:
        super().__init__()
        if len(widths) != 4:
            raise ValueError(f"widths must be four numbers of channels, got {list(widths)}")
        layers: list[nn.Module] = []
        for fin, fout in zip((3, *widths), widths, strict=False):
            layers += [nn.Conv2d(fin, fout, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(fout), nn.ReLU()]
        self.trunk = nn.Sequential(*layers, nn.Conv2d(widths[-1], 32, 1), nn.ReLU(), nn.Flatten())
        self.head = nn.Sequential(nn.Linear(32 * (SIDE // 16) ** 2, hidden), nn.ReLU(), nn.Linear(hidden, len(STYLES)))

    def forward(self, images: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1] -> (N,3) in [0,1]."""
        if images.shape[-2:] != (SIDE, SIDE):
            images = F.interpolate(images, (SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True)
        return self.head(self.trunk(images)).sigmoid()

    @torch.no_grad()
    def predict(self, images: Tensor) -> Tensor:
        """Read images (N,3,H,W) in [-1,1] -> (N,3) float32 in [0,1], outside of any autocast."""
        with torch.autocast(images.device.type, enabled=False):
            return self(images.float())


def load_style_regressor(path: str | Path = SHIPPED) -> StyleRegressor:
    """Load a regressor that `tools/train_style_regressor.py` wrote; by default the one that comes with the package.

    Returns:
        In evaluation mode, frozen, with `sha256` and `about` (what its file says of itself).

    Raises:
        EvaluationError: there is no such file, or it is none of these.
    """
    path = Path(path)
    if not path.exists():
        raise EvaluationError(f"{path}: there is no such style regressor; "
                              "python tools/train_style_regressor.py output=FILE.safetensors makes one")
    try:
        about = read_about(path, METADATA)
        regressor = built_for(lambda: StyleRegressor(**about["arguments"]), read_tensors(path), path)
    except TensorFileError as error:
        raise EvaluationError(f"{path} is no style regressor: {error}") from None
    except Exception as error:  # whatever arguments that somebody else wrote make of the constructor
        raise EvaluationError(f"{path} is no style regressor: its metadata does not say so ({error!r:.150})") from error
    regressor.sha256, regressor.about = sha256_of(path), about
    return regressor.requires_grad_(False).eval()


def save_style_regressor(path: str | Path, regressor: StyleRegressor, arguments: Mapping[str, object],
                         **facts: object) -> None:
    """Write a regressor as one `.safetensors` file, its kernels as float16, complete or not at all.

    Args:
        path: The file.
        regressor: The network.
        arguments: What its constructor was called with, as plain values.
        facts: More to keep, as plain values: scores, command.
    """
    about = {"arguments": dict(arguments), "variables": list(STYLES), **facts}
    save_described(Path(path), smaller(regressor.state_dict(), torch.float16), METADATA, about)


def held_out_r2(regressor: StyleRegressor, batches: Iterable[Mapping[str, Tensor]]) -> dict[str, float]:
    """R^2 of each style variable on pictures `{image, style}` that it has not seen."""
    read, truth = zip(*((regressor.predict(batch["image"]), batch["style"]) for batch in batches), strict=True)
    values = r_squared(torch.cat(truth), torch.cat(read)).tolist()
    return {name: round(value, 4) for name, value in zip(STYLES, values, strict=True)}
