"""Importing a released model: read its files, conclude the setting, give the tensors our names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from semsynth.checkpoints.convert import recognise, to_ours
from semsynth.checkpoints.files import PARTS, ImportHints, find_files, read_options
from semsynth.checkpoints.layouts.class_order import ClassOrder
from semsynth.checkpoints.layouts.sean import one_layer
from semsynth.checkpoints.layouts.table import Layout
from semsynth.checkpoints.pix2pixhd import with_encoder
from semsynth.checkpoints.read import read_state
from semsynth.checkpoints.sean import parts_in
from semsynth.checkpoints.setting import DataFacts, Setting, class_overrides, conclude, likely_dataset, overrides
from semsynth.checkpoints.spectral import complete_spectral_norms
from semsynth.data.palette import generated_palette
from semsynth.errors import CheckpointError
from semsynth.weights.tensor_files import sha256_of


@dataclass
class ReleasedPart:
    """One file of a released model.

    Attributes:
        path: The file.
        sha256: Of the file.
        layout: Its layout.
        facts: What names and shapes say.
        state: The tensors under their names.
        completed: Layers whose spectral norm lacked a vector.
    """

    path: Path
    sha256: str
    layout: Layout
    facts: Any
    state: dict[str, Tensor]
    completed: list[str] = field(default_factory=list)


@dataclass
class ReleasedModel:
    """A released model: its parts by name, and what is told of it besides (`dataset` where somebody named it)."""

    parts: dict[str, ReleasedPart]
    told: ImportHints

    @property
    def dataset(self) -> str | None:
        """The data set that was named, or else the one of the papers that fits alone."""
        with _naming(self.parts["generator"].path):
            return self.told.dataset or likely_dataset(self.parts["generator"].facts)

    def setting(self, data: DataFacts | None) -> Setting:
        """Conclude the setting.

        Raises:
            CheckpointError: see `semsynth.checkpoints.setting.conclude`.
        """
        with _naming(self.parts["generator"].path):
            return conclude(self.parts["generator"].facts, self.told, data)

    def overrides(self, setting: Setting) -> list[str]:
        """What a training's configuration takes to build these networks, its data set excepted where it has a name.

        Raises:
            CheckpointError: the parts are not of one model.
        """
        facts: dict[str, Any] = {part: self.parts[part].facts if part in self.parts else None
                                 for part in PARTS.values()}
        with _naming(self.parts["generator"].path.parent):
            found = overrides(setting, facts["generator"], facts.get("discriminator"), facts.get("encoder"))
        if setting.dataset is None:
            found += class_overrides(setting.num_classes, generated_palette(setting.num_classes))
        return found

    def convert(self, state_of: Callable[[str], Mapping[str, Tensor]],
                order: ClassOrder | None = None) -> dict[str, dict[str, Tensor]]:
        """The tensors of all parts under our names.

        Args:
            state_of: The state dict of our network for a part; meta tensors will do.
            order: Of the data set's classes, for layouts with another one.

        Raises:
            CheckpointError: names or shapes differ; a short table says where.
        """
        converted = {}
        for name, part in self.parts.items():
            with _naming(part.path):
                converted[name] = to_ours(state_of(name), part.layout, part.state, order)
        return converted

    def record(self, setting: Setting) -> dict[str, Any]:
        """What is kept in the run: files, their SHA-256, and the setting, as plain values."""
        return {
            "files": {name: {"file": str(part.path.absolute()), "sha256": part.sha256, "layout": part.layout.name,
                             "tensors": len(part.state), "spectral_norms_completed": len(part.completed)}
                      for name, part in self.parts.items()},
            "facts": {name: asdict(part.facts) for name, part in self.parts.items()},
            "setting": {**asdict(setting), "size": list(setting.size), "notes": list(setting.notes)},
        }


def open_model(source: str | Path, told: ImportHints, epoch: str | None = None) -> ReleasedModel:
    """Read a released model.

    Args:
        source: Its folder, or the generator's file.
        told: What the user says.
        epoch: Which of several files in a folder.

    Raises:
        CheckpointError: a file that is none, or of another network; names it.
    """
    files = find_files(Path(source).expanduser(), epoch)
    parts: dict[str, ReleasedPart] = {}
    for name, path in files.items():
        state = read_state(path)
        with _naming(path):
            held = parts_in(one_layer(state)) if name == "generator" else {name: state}
            parts |= {part: _part(path, part, own) for part, own in held.items()}
    generator = parts["generator"]
    with _naming(generator.path):
        generator.facts = with_encoder(generator.facts, parts["encoder"].facts if "encoder" in parts else None)
    return ReleasedModel(parts, told.or_else(read_options(files["generator"].parent)))


def _part(path: Path, name: str, state: dict[str, Tensor]) -> ReleasedPart:
    layout = recognise(state)
    if layout.part != name:
        raise CheckpointError(f"this is {_article(layout.part)} (layout {layout.name}), not {_article(name)}: was the "
                              "file renamed?")
    state, completed = complete_spectral_norms(state)
    return ReleasedPart(path, sha256_of(path), layout, layout.describe(state), state, completed)


def summary(model: ReleasedModel, setting: Setting, choices: Sequence[str]) -> list[str]:
    """Lines for the user: what was found and what was concluded."""
    lines = [f"{name}: {part.path.name}, {part.layout.name}, {sum(v.numel() for v in part.state.values()) / 1e6:.2f} M "
             f"numbers, sha256 {part.sha256[:16]}" for name, part in model.parts.items()]
    lines += [line for name, part in model.parts.items() for line in _unread(name, part)]
    lines += [f"without {_article(part)}" for part in PARTS.values() if part not in model.parts
              and (part != "encoder" or model.parts["generator"].facts.z_dim)]
    lines.append("setting: " + " ".join(choice for choice in choices if len(choice) < 60))
    return lines + [f"concluded: {note}" for note in setting.notes]


def _unread(name: str, part: ReleasedPart) -> list[str]:
    """What the network holds and never reads, by the kinds of its layers."""
    found = [key for key in part.state if part.layout.is_unread(key)]
    learned = sum(part.state[key].numel() for key in found if key.endswith((".weight", ".bias")))
    layers = dict.fromkeys(re.sub(r"^[^.]+\.", "*.", key).rpartition(".")[0] for key in found)
    return [f"{name}: {learned:,} parameters are kept that nothing reads, as in the released network "
            f"({', '.join(layers)})"] if found else []


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put the file before what is wrong with it."""
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None


def _article(part: str) -> str:
    return f"an {part}" if part[0] in "aeiou" else f"a {part}"
