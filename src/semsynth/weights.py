"""The weights of a run's networks in a file: a checkpoint of the training, or our own `.safetensors` files.

A `.safetensors` file holds tensors named `generator.*`, `discriminator.*` and `encoder.*`, and in its metadata, under
`semsynth`, JSON: `format`, `weights` (`raw`, or `ema` for a moving average) and whatever else the writer notes.
"""

import json
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from semsynth.signatures import ConfigError

PARTS = ("generator", "discriminator", "encoder", "segmenter", "label_discriminator")
SUFFIX = ".safetensors"
METADATA = "semsynth"
FORMAT = 1

State = dict[str, Tensor]


@dataclass
class Weights:
    """State dicts of the networks in a file, as they were trained and as moving averages.

    Attributes:
        path: Of the file.
        raw: By part; empty where the file holds averages only.
        average: By part; empty without a moving average.
        about: What the metadata of a `.safetensors` file says.
    """

    path: Path
    raw: dict[str, State]
    average: dict[str, State] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)

    def part(self, name: str, weights: str = "auto") -> State | None:
        """The state dict of a part; None where the file holds nothing of it.

        Args:
            name: One of `PARTS`.
            weights: `raw`; `ema`; or `auto`: the average of a part where there is one. The discriminator has none.

        Raises:
            ConfigError: `weights` is something else, or the file does not hold what it asks for.
        """
        if weights not in ("auto", "ema", "raw"):
            raise ConfigError(f"weights={weights} must be ema, raw or auto")
        if weights == "ema" and not self.average:
            raise ConfigError(f"{self.path} holds no moving average (dataset.recipe.ema was null): take weights=raw")
        if weights == "raw" and not self.raw:
            raise ConfigError(f"{self.path} holds a moving average only: take weights=ema")
        if weights != "raw" and name in self.average:
            return self.average[name]
        return self.raw.get(name)


def read_weights(path: str | Path) -> Weights:
    """Read a `.ckpt` or `.safetensors` file onto the CPU, without running code from it.

    Raises:
        ConfigError: there is no such file, or it is neither.
    """
    path = Path(path)
    try:
        return _of_safetensors(path) if path.suffix == SUFFIX else _of_checkpoint(path)
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file of weights") from None
    except (SafetensorError, pickle.UnpicklingError, OSError, RuntimeError, EOFError, ValueError, KeyError,
            TypeError) as error:
        if isinstance(error, ConfigError):
            raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{path} holds no weights of a run ({reason}): it is damaged or something else. Others' "
                          "checkpoints are turned into a run by python tools/import_checkpoint.py") from error


def _of_checkpoint(path: Path) -> Weights:
    saved = torch.load(path, map_location="cpu", weights_only=True)
    average = saved["callbacks"].get("EMA") or {}
    return Weights(path, _split(saved["state_dict"]), {part: average[part] for part in PARTS if part in average})


def _of_safetensors(path: Path) -> Weights:
    with safe_open(path, "pt") as file:
        about = json.loads((file.metadata() or {})[METADATA])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
    if about.get("format") != FORMAT:
        raise ConfigError(f"{path} was written by another version of semsynth (its format is not {FORMAT})")
    parts = _split(tensors)
    return Weights(path, {}, parts, about) if about.get("weights") == "ema" else Weights(path, parts, about=about)


def _split(state: Mapping[str, Tensor]) -> dict[str, State]:
    parts = {part: {key.removeprefix(f"{part}."): value for key, value in state.items() if key.startswith(f"{part}.")}
             for part in PARTS}
    return {part: values for part, values in parts.items() if values}


def save_weights(path: str | Path, parts: Mapping[str, Mapping[str, Tensor]], *, weights: str = "raw",
                 **about: Any) -> Path:
    """Write networks' state dicts as one `.safetensors` file, complete or not at all.

    Args:
        path: The file; its name ends in `.safetensors`.
        parts: State dicts by part.
        weights: `raw`, or `ema` where they are moving averages.
        about: More to keep in the metadata, as plain values.

    Raises:
        ConfigError: another ending.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise ConfigError(f"{path}: weights are kept in a file whose name ends in {SUFFIX}")
    # clones: the format refuses tensors that share memory
    tensors = {f"{part}.{key}": value.detach().cpu().contiguous().clone()
               for part, state in parts.items() for key, value in state.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    save_file(tensors, partial, metadata={METADATA: json.dumps({"format": FORMAT, "weights": weights, **about})})
    os.replace(partial, path)
    return path
