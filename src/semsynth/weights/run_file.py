"""The weights of a run's networks in a file: a checkpoint of the training, or our own `.safetensors` files.

A `.safetensors` file holds tensors named `generator.*`, `discriminator.*` and `encoder.*`, and in its metadata, under
`semsynth`, JSON: `format`, `weights` (`raw`, or `ema` for a moving average) and whatever else the writer notes.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from semsynth.errors import ConfigError, TensorFileError
from semsynth.weights.tensor_files import FAULTS, read_content, refuse_not_finite

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
            ConfigError: `weights` is something else, or the file does not hold what it asks for, or not as finite
                numbers.
        """
        if weights not in ("auto", "ema", "raw"):
            raise ConfigError(f"weights={weights} must be ema, raw or auto")
        if weights == "ema" and not self.average:
            raise ConfigError(f"{self.path} holds no moving average (dataset.recipe.ema was null): take weights=raw")
        if weights == "raw" and not self.raw:
            raise ConfigError(f"{self.path} holds a moving average only: take weights=ema")
        found = self.average[name] if weights != "raw" and name in self.average else self.raw.get(name)
        if found is not None:
            self._check(found)
        return found

    def check(self) -> None:
        """Look at all weights, as where a training shall go on with them.

        Raises:
            ConfigError: some are not finite; names another checkpoint of the run that can serve.
        """
        for states in (self.raw, self.average):
            for state in states.values():
                self._check(state)

    def _check(self, state: State) -> None:
        try:
            refuse_not_finite(state, self.path)
        except TensorFileError as error:
            raise ConfigError(f"{error}{_instead(self.path)}") from None


def read_weights(path: str | Path) -> Weights:
    """Read a `.ckpt` or `.safetensors` file onto the CPU, without running code from it.

    Raises:
        ConfigError: there is no such file, or it is neither; names another checkpoint of the run that can be read.
    """
    path = Path(path)
    try:
        return _read(path)
    except TensorFileError as error:
        raise ConfigError(f"{error}{_instead(path)}") from None


def epoch_of(path: Path) -> int | None:
    """The epoch, counted from 1, at or within which a checkpoint was written; None where it does not say.

    Raises:
        TensorFileError: it cannot be read.
    """
    if path.suffix == SUFFIX:
        with safe_open(path, "pt") as file:
            told = json.loads((file.metadata() or {}).get(METADATA, "{}")).get("epoch")
    else:
        begun = read_content(path, mapped=True).get("epoch")
        told = None if begun is None else begun + 1
    return None if told is None else int(told)


def _read(path: Path) -> Weights:
    """As `read_weights`, but raises TensorFileError for whatever is wrong with the file."""
    try:
        return _of_safetensors(path) if path.suffix == SUFFIX else _of_checkpoint(path)
    except TensorFileError:
        raise
    except FAULTS as error:
        if isinstance(error, ConfigError):
            raise
        raise TensorFileError(f"{path} holds no weights of a run ({type(error).__name__}: {error}): others' "
                              "checkpoints are turned into a run by python tools/import_checkpoint.py") from error


def _instead(path: Path) -> str:
    """Which other checkpoint of the same run can serve; nothing where there is none."""
    others = [other for suffix in (path.suffix, *{".ckpt", SUFFIX} - {path.suffix})
              for other in sorted(path.parent.glob(f"*{suffix}")) if other != path and _serves(other)]
    if not others:
        return ""
    name = others[0].stem if others[0].stem in ("best", "last") else others[0].name
    resume = f"; to resume from it, copy it over {path.name}" if others[0].suffix == path.suffix == ".ckpt" else ""
    return f".\n{others[0].name} beside it can serve: checkpoint={name}, or init_from={others[0]}{resume}"


def _serves(path: Path) -> bool:
    """Whether a checkpoint can be read and holds a generator of finite numbers."""
    try:
        saved = _read(path)
        generator = saved.average.get("generator") or saved.raw["generator"]
        refuse_not_finite(generator, path)
    except (TensorFileError, ConfigError, KeyError):
        return False
    return True


def _of_checkpoint(path: Path) -> Weights:
    saved = read_content(path)
    average = saved["callbacks"].get("EMA") or {}
    return Weights(path, _split(saved["state_dict"]), {part: average[part] for part in PARTS if part in average})


def _of_safetensors(path: Path) -> Weights:
    tensors = read_content(path)
    with safe_open(path, "pt") as file:
        about = json.loads((file.metadata() or {})[METADATA])
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
