"""From a released layout to our names, and back."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from semsynth.checkpoints.layouts import LAYOUTS
from semsynth.checkpoints.layouts.class_order import ClassOrder
from semsynth.checkpoints.layouts.table import Layout
from semsynth.errors import CheckpointError
from semsynth.weights.differences import difference_table, shape_in_words
from semsynth.weights.loading import COUNTER, kind_in_words, same_kind

# networks that are none of ours, by a piece of a name that only they have
STRANGERS = {
    "Zencoder.": "SEAN", "ace_0.": "SEAN",
    "generator.blocks.": "semsynth", "blocks.head_0.": "semsynth",
    "features.": "a classifier of torchvision", "layer1.0.bn1.": "a residual network",
}


def recognise(state: Mapping[str, Tensor]) -> Layout:
    """The layout of a state dict.

    Raises:
        CheckpointError: it is none of ours; says what it looks like.
    """
    for layout in LAYOUTS:
        if layout.recognise(state):
            return layout
    stranger = next((name for piece, name in STRANGERS.items() if any(piece in f".{k}" or k.startswith(piece)
                                                                      for k in state)), None)
    known = ", ".join(f"{layout.name} ({layout.part})" for layout in LAYOUTS)
    like = f"looks like {stranger}" if stranger else f"begins with {', '.join(list(state)[:3])}"
    raise CheckpointError(f"this is no layout that can be imported ({known}): it has {len(state)} tensors and {like}")


def to_ours(network: Mapping[str, Tensor], layout: Layout, state: Mapping[str, Tensor],
            order: ClassOrder | None = None) -> dict[str, Tensor]:
    """The tensors of a file under our names, in the types of our network.

    Args:
        network: State dict of our network (meta tensors will do): names, shapes and types.
        layout: Of the file.
        state: The file's tensors.
        order: Of the classes, for layouts that order their channels otherwise; None: they stand there as they are.

    Raises:
        CheckpointError: names or shapes differ; a short table says where.
    """
    table = layout.table(network)
    rows, found = [], {ours: value for ours, value in network.items() if ours not in table}
    for ours, theirs in table.items():
        expected = network[ours]
        if theirs in state and same_kind(expected, state[theirs]):
            value = state[theirs] if order is None else order.ours(layout.class_axes, theirs, state[theirs])
            found[ours] = value.to(expected.dtype).contiguous()
        elif theirs not in state and ours.endswith(COUNTER):
            found[ours] = torch.zeros((), dtype=expected.dtype)
        else:
            there = kind_in_words(state[theirs], expected) if theirs in state else "missing"
            rows.append((theirs, kind_in_words(expected, state.get(theirs)), there))
    known = set(table.values())
    rows += [(key, "no such name", shape_in_words(state[key])) for key in state
             if key not in known and not layout.is_extra(key)]
    if rows:
        raise CheckpointError(f"{len(rows)} of {len(table)} tensors of the {layout.part} differ from the layout "
                              f"{layout.name} with this setting\n{difference_table(rows)}")
    return found


def to_official(layout: Layout, state: Mapping[str, Tensor], order: ClassOrder | None = None) -> dict[str, Tensor]:
    """The tensors of one of our networks that such files hold under the released names, with their order of classes.

    Raises:
        CheckpointError: the layout has no place for one of them.
    """
    named = {theirs: state[ours] for ours, theirs in layout.table(state).items()}
    return named if order is None else {key: order.theirs(layout.class_axes, key, value) for key, value in
                                        named.items()}
