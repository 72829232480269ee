"""Giving a network the tensors of a file, where names, shapes and kinds of numbers are the network's."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from semsynth.errors import TensorFileError
from semsynth.weights.differences import Row, difference_table, shape_in_words

COUNTER = "num_batches_tracked"  # older files lack it, and nothing depends on it here
MOST = 8  # parameters made for each tensor that is kept: some are made anew, for parametrizations
OTHERS = 2000  # more, of parts that have files of their own, such as a judge's frozen backbone
Network = TypeVar("Network", bound=nn.Module)


def load_into(network: nn.Module, state: Mapping[str, Tensor], path: str | Path) -> None:
    """Load a state dict, all of whose keys, shapes and kinds must fit; tensors take the network's types.

    Counters of batches may be missing.

    Args:
        network: Changed in place.
        state: Names and tensors.
        path: Of the file, for the message.

    Raises:
        TensorFileError: keys, shapes or kinds differ; a table of the first ones is in the message.
    """
    expected = network.state_dict()
    _check(network, expected, state, path)
    network.load_state_dict({**expected, **state})


def built_for(make: Callable[[], Network], state: Mapping[str, Tensor], path: str | Path) -> Network:
    """Build a network and load a state dict; nothing larger than the state, or of more parts, takes memory and time.

    Args:
        make: Builds it.
        state: Names and tensors.
        path: Of the file, for the message.

    Raises:
        TensorFileError: as `load_into`.
    """
    with _no_more_than(MOST * len(state) + OTHERS, path), torch.device("meta"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "for .* copying from a non-meta parameter")  # of a part with its own file
        draft = make()
    _check(draft, draft.state_dict(), state, path)
    network = make()
    load_into(network, state, path)
    return network


@contextmanager
def _no_more_than(most: int, path: str | Path) -> Iterator[None]:
    """Within this context no more parameters than these are made: a number in a file may ask for a million layers."""
    made = 0

    def count(*_: object) -> None:
        nonlocal made
        made += 1
        if made > most:
            raise TensorFileError(f"{path} holds fewer tensors than the network that it, or its config.yaml, describes")

    handle = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


def same_kind(ours: Tensor, theirs: Tensor) -> bool:
    """Whether a tensor can take the place of ours: of its shape, and no whole numbers for real ones."""
    return ours.shape == theirs.shape and (theirs.is_floating_point() or not ours.is_floating_point())


def kind_in_words(tensor: Tensor, other: Tensor | None = None) -> str:
    """A shape as 64x3x4x4, with the type where another tensor is of this shape and another kind."""
    if other is None or other.shape != tensor.shape or other.is_floating_point() == tensor.is_floating_point():
        return shape_in_words(tensor)
    return f"{shape_in_words(tensor)} {str(tensor.dtype).removeprefix('torch.')}"


def _check(network: nn.Module, expected: Mapping[str, Tensor], state: Mapping[str, Tensor], path: str | Path) -> None:
    rows: list[Row] = []
    for key, tensor in expected.items():
        if key not in state:
            if not key.endswith(COUNTER):
                rows.append((key, shape_in_words(tensor), "missing"))
        elif not same_kind(tensor, state[key]):
            rows.append((key, kind_in_words(tensor, state[key]), kind_in_words(state[key], tensor)))
    rows += [(key, "no such key", shape_in_words(tensor)) for key, tensor in state.items() if key not in expected]
    if rows:
        raise TensorFileError(
            f"{path} does not fit {type(network).__name__}: {len(rows)} of {len(expected)} keys differ\n"
            + difference_table(rows, ("key", "network", "file"))
            + "\nIs this the file of another network, or of one with another number of classes?")
