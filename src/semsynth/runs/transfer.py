"""Starting a training from the weights of another run, also where its classes are others."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from semsynth.errors import CheckpointError
from semsynth.weights.differences import difference_table, shape_in_words
from semsynth.weights.loading import kind_in_words, same_kind
from semsynth.weights.run_file import PARTS, Weights

EDGE = "<edges>"


@dataclass(frozen=True)
class _ClassAxis:
    """An axis of classes, followed by the edges, perhaps, and by `others` inputs (None: any number of them).

    A tensor of another length has no classes there, such as that of a discriminator which sees images alone.
    """

    axis: int
    edges: bool = False
    others: int | None = 0

    def inputs(self, length: int, label_map: Inputs) -> list[str] | None:
        """What the entries of an axis of this length mean; None where they are no classes."""
        edges = self.edges and label_map.edges and length > len(label_map.classes)
        named = [*label_map.classes, *([EDGE] if edges else [])]
        others = length - len(named)
        if others < 0 or self.others not in (None, others):
            return None
        return [*named, *(f"<{k}>" for k in range(others))]


_FIRST_OF_SCALE = r"scales\.\d+\.layers\.0\.0\.weight"
# the last layers of the networks of semsynth.segmenters
_CLASSIFIER = (r"network\.(head|final|seg|up|(aux_)?classifier\.4|aspp\.\d|decoder\.conv_last\.[14]|"
               r"decoder\.conv_last_deepsup)\.(weight|bias)")
# by the tensors' names; of other networks those that their modules declare, see `declared_axes`
_CLASS_AXES: dict[str, dict[str, _ClassAxis]] = {
    "generator": {},
    "discriminator": {_FIRST_OF_SCALE: _ClassAxis(1, edges=True, others=3)},
    "encoder": {},
    "segmenter": {_CLASSIFIER: _ClassAxis(0)},
    "label_discriminator": {_FIRST_OF_SCALE: _ClassAxis(1)},
}
# features of a norm that start from nothing: the positional ones and the edge's
_OPTIONAL = r"blocks\.[^.]+\.[^.]+\.(edge|position\w*)\..*"
_FEATURE_INPUT = r"blocks\.[^.]+\.conv_\w\.parametrizations\.weight\.(original|0\._v)"


@dataclass(frozen=True)
class Inputs:
    """What the channels of a network's label map mean: the classes' names in order, and whether edges follow."""

    classes: Sequence[str]
    edges: bool


@runtime_checkable
class Growing(Protocol):
    """A network that grows around a smaller one, which another training has trained."""

    def grown_around(self, trained: Collection[str]) -> Collection[str]:
        """Names of its parts that are new, or others, beside a network with tensors of these names; none: all fit."""


@dataclass
class TransferReport:
    """What a part received: classes that were found by name, those that start anew, and other fresh tensors."""

    known: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)

    def words(self) -> str:
        """What starts afresh, to be put behind a sentence; empty where all is known."""
        parts = []
        if self.new:
            shown = ", ".join(self.new[:5]) + (" ..." if len(self.new) > 5 else "")
            parts.append(f"{len(self.known)} classes by name, {len(self.new)} afresh ({shown})")
        if self.fresh:
            parts.append(f"{len(self.fresh)} tensors of new features afresh")
        return f" ({'; '.join(parts)})" if parts else ""


def transfer_weights(system: Any, weights: Weights, before: Inputs, now: Inputs) -> list[str]:
    """Load what a checkpoint holds into a system's networks; say in a line a part what came of it.

    Args:
        system: Has `generator`, `discriminator` and `encoder` (or None), and perhaps `segmenter`, which is left alone
            where it is frozen, and `label_discriminator`.
        weights: Of the checkpoint; moving averages are taken where it has them.
        before: The label map of the checkpoint's networks.
        now: That of the system's.

    Raises:
        ConfigError: there is no generator in it, or another one. Other parts that do not fit start afresh.
    """
    path, lines = weights.path, []
    for part in PARTS:
        network, saved = getattr(system, part, None), weights.part(part)
        if network is None:
            continue
        if getattr(network, "frozen", False):
            lines.append(f"{part}: stays as it is, system.{part}.frozen=true")
            continue
        if saved is None:
            if part == "generator":
                raise CheckpointError(f"{path} holds no generator")
            lines.append(f"{part}: starts afresh, {path} has none")
            continue
        fresh = network.state_dict()
        grown = _grown(network, saved)
        try:
            state, warmth = warm_state(part, {k: v for k, v in fresh.items() if not _within(k, grown)},
                                       {k: v for k, v in saved.items() if not _within(k, grown)}, before, now,
                                       declared_axes(network))
        except CheckpointError as error:
            if part == "generator":
                raise CheckpointError(f"{path}: {error}") from None
            lines.append(f"{part}: starts afresh, that of {path} is another network")
            continue
        network.load_state_dict(fresh | state)
        warmth.fresh += [k for k in fresh if _within(k, grown)]
        lines.append(f"{part}: from {path}{warmth.words()}")
    return lines


def _within(name: str, parts: Collection[str]) -> bool:
    return any(name.startswith(f"{part}.") for part in parts)


def _grown(network: nn.Module, saved: Mapping[str, Tensor]) -> Collection[str]:
    """Parts that a network has grown around one that was trained before, and that the other network has not."""
    return network.grown_around(saved) if isinstance(network, Growing) else ()


def declared_axes(network: nn.Module) -> dict[str, int]:
    """The tensors of a network that have one entry a class, and the dimension of these.

    Its modules say so, in `class_indexed`: the edges and other inputs may follow the classes.
    """
    return {".".join(filter(None, (prefix, name))): axis for prefix, module in network.named_modules()
            for name, axis in getattr(module, "class_indexed", {}).items()}


def warm_state(part: str, fresh: Mapping[str, Tensor], saved: Mapping[str, Tensor], before: Inputs, now: Inputs,
               declared: Mapping[str, int]) -> tuple[dict[str, Tensor], TransferReport]:
    """The state dict of a network that starts from another's.

    Rows and channels of classes follow the classes' names; those of new classes, and positional or edge features that
    the other network has not, stay as they start. Where the edge feature comes or goes, the convolutions behind it get
    an input of weight zero or lose theirs.

    Args:
        part: One of `semsynth.weights.run_file.PARTS`.
        fresh: Of the network, as it starts.
        saved: Of the other network.
        before: The other network's label map.
        now: This network's.
        declared: Of the network, see `declared_axes`.

    Raises:
        CheckpointError: the networks differ in more; a short table says where.
    """
    state, rows, warmth = {}, [], TransferReport()
    warmth.known = [name for name in now.classes if name in before.classes]
    warmth.new = [name for name in now.classes if name not in before.classes]
    axes = {**_CLASS_AXES[part], **{re.escape(name): _ClassAxis(axis, edges=True, others=None)
                                    for name, axis in declared.items()}}
    same = list(before.classes) == list(now.classes) and before.edges == now.edges
    for key, start in fresh.items():
        there = saved.get(key)
        classes = next((axis for pattern, axis in axes.items() if re.fullmatch(pattern, key)
                        and axis.inputs(start.shape[axis.axis], now) is not None), None)
        if there is None:
            state[key] = start
            if re.fullmatch(_OPTIONAL, key):
                warmth.fresh.append(key)
            else:
                rows.append((key, shape_in_words(start), "missing"))
        elif classes is not None and not same:
            mapped = _by_name(classes, start, there, before, now)
            state[key] = start if mapped is None else mapped
            rows += [(key, kind_in_words(start, there), kind_in_words(there, start))] if mapped is None else []
        elif same_kind(start, there):
            state[key] = there.to(start.dtype)
        elif re.fullmatch(_FEATURE_INPUT, key) and before.edges != now.edges and _inputs_differ_by_one(start, there):
            state[key] = _resized_input(start, there)
        else:
            rows.append((key, kind_in_words(start, there), kind_in_words(there, start)))
    rows += [(key, "no such name", shape_in_words(value)) for key, value in saved.items()
             if key not in fresh and not re.fullmatch(_OPTIONAL, key)]
    if rows:
        raise CheckpointError(f"the {part} of this setting is another network: {len(rows)} tensors differ\n"
                              f"{difference_table(rows)}")
    return state, warmth


def _by_name(classes: _ClassAxis, start: Tensor, there: Tensor, before: Inputs, now: Inputs) -> Tensor | None:
    """Rows or channels by name, the others as they start; None where the sizes do not fit."""
    axis = classes.axis
    if start.ndim != there.ndim or (start.is_floating_point() and not there.is_floating_point()):
        return None
    old, new = classes.inputs(there.shape[axis], before), classes.inputs(start.shape[axis], now)
    rest = [side for index, side in enumerate(start.shape) if index != axis]
    if old is None or new is None or rest != [side for index, side in enumerate(there.shape) if index != axis]:
        return None
    pairs = [(index, old.index(name)) for index, name in enumerate(new) if name in old]
    mapped = start.clone()
    if pairs:
        targets, sources = (list(column) for column in zip(*pairs, strict=True))
        mapped.transpose(0, axis)[targets] = there.to(start.dtype).transpose(0, axis)[sources]
    return mapped


def _inputs_differ_by_one(start: Tensor, there: Tensor) -> bool:
    if start.ndim == 1:  # the right singular vector, of channels times positions
        difference = abs(len(start) - len(there))
        return difference in (1, 9) and min(len(start), len(there)) % difference == 0
    return abs(start.shape[1] - there.shape[1]) == 1 and start.shape[0] == there.shape[0] \
        and start.shape[2:] == there.shape[2:]


def _resized_input(start: Tensor, there: Tensor) -> Tensor:
    """Weights, or their right singular vector, with the last input channel left out or of weight zero."""
    axis = 0 if start.ndim == 1 else 1
    kept = min(start.shape[axis], there.shape[axis])
    resized = start.new_zeros(start.shape)
    resized.narrow(axis, 0, kept).copy_(there.narrow(axis, 0, kept))
    if start.ndim == 1:
        resized /= resized.norm().clamp_min(1e-12)
    return resized
