"""The weights of a run's networks in a file: a checkpoint of the training, or our own `.safetensors` files.

A `.safetensors` file holds tensors named `generator.*`, `discriminator.*` and `encoder.*`, and in its metadata, under
`semsynth`, JSON: `format`, `weights` (`raw`, or `ema` for a moving average) and whatever else the writer notes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from semsynth.errors import ConfigError, TensorFileError
from semsynth.weights.described import read_about, save_described
from semsynth.weights.loading import Network, built_for
from semsynth.weights.tensor_files import SUFFIX, read_content, refuse_not_finite

PARTS = ("generator", "discriminator", "encoder", "segmenter", "label_discriminator")
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
        epoch: Counted from 1, at or within which they were written; None where the file does not say.
    """

    path: Path
    raw: dict[str, State]
    average: dict[str, State] = field(default_factory=dict)
    epoch: int | None = None

    def __contains__(self, part: str) -> bool:
        """Whether the file holds a part, as it was trained or as a moving average."""
        return part in self.raw or part in self.average

    def chosen(self, weights: str = "auto") -> str:
        """Which weights are taken, `ema` or `raw`: `auto` is the moving average where there is one.

        Raises:
            ConfigError: `weights` is something else, or the file does not hold what it asks for.
        """
        if weights not in ("auto", "ema", "raw"):
            raise ConfigError(f"weights={weights} must be ema, raw or auto")
        if weights == "ema" and not self.average:
            raise ConfigError(f"{self.path} holds no moving average (recipe.ema was null): take weights=raw")
        if weights == "raw" and not self.raw:
            raise ConfigError(f"{self.path} holds a moving average only: take weights=ema")
        return "ema" if self.average and weights != "raw" else "raw"

    def part(self, name: str, weights: str = "auto") -> State | None:
        """The state dict of a part; None where the file holds nothing of it.

        Args:
            name: One of `PARTS`.
            weights: `raw`; `ema`; or `auto`: the average of a part where there is one. The discriminator has none.

        Raises:
            ConfigError: as `chosen`, or they are not finite numbers.
        """
        averaged = self.chosen(weights) == "ema" and name in self.average
        found = self.average[name] if averaged else self.raw.get(name)
        if found is not None:
            self._check(found)
        return found

    def network(self, name: str, make: Callable[[], Network], weights: str = "auto") -> Network | None:
        """A part with its weights, in evaluation mode; None where the file holds nothing of it.

        Args:
            name: One of `PARTS`.
            make: Builds it, as it starts.
            weights: As for `part`.

        Raises:
            ConfigError: as `part`, or they are those of another network.
        """
        state = self.part(name, weights)
        if state is None:
            return None
        try:
            return built_for(make, state, f"{self.path} ({name})").eval()
        except TensorFileError as error:
            raise ConfigError(f"{error} Its config.yaml was changed, or the file is another run's") from None

    def __str__(self) -> str:
        """The file, and the epoch whose weights it holds, as far as it says so."""
        return self.path.name if self.epoch is None else f"{self.path.name} of epoch {self.epoch}"

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
            raise ConfigError(f"{error}{instead(self.path)}") from None


def read_weights(path: str | Path) -> Weights:
    """Read a `.ckpt` or `.safetensors` file onto the CPU, without running code from it.

    Raises:
        ConfigError: there is no such file, or it is neither; names another checkpoint of the run that can be read.
    """
    path = Path(path)
    try:
        return _read(path)
    except TensorFileError as error:
        raise ConfigError(f"{error}{instead(path)}") from None


def _read(path: Path) -> Weights:
    """As `read_weights`, but raises TensorFileError for whatever is wrong with the file."""
    return _of_safetensors(path) if path.suffix == SUFFIX else _of_checkpoint(path)


def instead(path: Path) -> str:
    """Which other checkpoint of the same run can serve, or that none can."""
    others = [other for suffix in (path.suffix, *{".ckpt", SUFFIX} - {path.suffix})
              for other in sorted(path.parent.glob(f"*{suffix}")) if other != path and _serves(other)]
    if not others:
        return ": no other checkpoint beside it can serve, put a copy in its place or begin a new run"
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
    if not isinstance(saved, Mapping) or "state_dict" not in saved:
        raise TensorFileError(f"{path} holds no checkpoint of a training: others' checkpoints are turned into a run by "
                              "python tools/import_checkpoint.py")
    callbacks = saved.get("callbacks") or {}
    average = callbacks.get("EMA") if isinstance(callbacks, Mapping) else callbacks
    averages = {part: _state(average[part], path, f"EMA.{part}")
                for part in PARTS if isinstance(average, Mapping) and part in average}
    begun = saved.get("epoch")
    if (average and not isinstance(average, Mapping)) or not (begun is None or (type(begun) is int and begun >= 0)):
        raise TensorFileError(f"{path} holds no checkpoint of a training: its epoch or its moving averages are none")
    return Weights(path, _split(_state(saved["state_dict"], path, "state_dict"), path), averages,
                   None if begun is None else begun + 1)


def _of_safetensors(path: Path) -> Weights:
    tensors = read_content(path)
    about = read_about(path, METADATA)
    if about.get("format") != FORMAT:
        raise TensorFileError(f"{path} was written by another version of semsynth (its format is not {FORMAT})")
    epoch = about.get("epoch")
    if about.get("weights") not in ("raw", "ema") or not (epoch is None or (type(epoch) is int and epoch >= 0)):
        raise TensorFileError(f"{path} holds no weights of a run: what it says of them is not what a run says")
    raw, average = ({}, _split(tensors, path)) if about["weights"] == "ema" else (_split(tensors, path), {})
    return Weights(path, raw, average, epoch)


def _state(node: Any, path: Path, name: str) -> State:
    """A state dict: names and tensors.

    Raises:
        TensorFileError: it is something else.
    """
    if not isinstance(node, Mapping):
        raise TensorFileError(f"{path}: its {name} is no state dict but a {type(node).__name__}")
    other = next((key for key, value in node.items() if not isinstance(key, str) or not isinstance(value, Tensor)),
                 None)
    if other is not None:
        raise TensorFileError(f"{path}: its {name} holds {type(node[other]).__name__} under {str(other)[:60]!r}, and "
                              "no tensor")
    return dict(node)


def _split(state: State, path: Path) -> dict[str, State]:
    parts = {part: {key.removeprefix(f"{part}."): value for key, value in state.items() if key.startswith(f"{part}.")}
             for part in PARTS}
    found = {part: values for part, values in parts.items() if values}
    if not found:
        raise TensorFileError(f"{path} holds none of {', '.join(PARTS)}: others' checkpoints are turned into a run by "
                              "python tools/import_checkpoint.py")
    return found


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
    tensors = {f"{part}.{key}": value for part, state in parts.items() for key, value in state.items()}
    return save_described(path, tensors, METADATA, {"format": FORMAT, "weights": weights, **about})
