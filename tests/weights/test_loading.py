"""Tensors take their places in a network only where names, shapes and kinds are the network's."""

import pytest
import torch
from torch import nn

from semsynth.errors import TensorFileError
from semsynth.weights.loading import built_for, load_into


def network(width=4):
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width))


def test_types_are_the_networks_and_counters_may_lack():
    state = {key: value.double() for key, value in network().state_dict().items() if "num_batches" not in key}
    ours = network()
    load_into(ours, state, "x.pth")
    assert torch.equal(ours[0].weight, state["0.weight"].float())
    assert ours[1].num_batches_tracked.dtype == torch.int64


@pytest.mark.parametrize(("key", "value", "row"), [
    ("0.weight", torch.ones(4, 3, 3, 3, dtype=torch.int64), "4x3x3x3 float32  4x3x3x3 int64"),
    ("1.running_var", torch.ones(4, dtype=torch.bool), "4 float32  4 bool"),
    ("0.bias", torch.ones(5), "4        5"), ("more", torch.ones(2), "no such key  2"), ("0.bias", None, "missing"),
])
def test_what_differs_is_shown(key, value, row):
    state = network().state_dict()
    state.pop(key, None)
    if value is not None:
        state[key] = value
    with pytest.raises(TensorFileError, match=r"x\.pth does not fit Sequential: 1 of 7 keys differ") as caught:
        load_into(network(), state, "x.pth")
    assert " ".join(row.split()) in " ".join(str(caught.value).split())


def test_nothing_larger_than_the_file_takes_memory():
    """A petabyte of weights is not made before the file is seen not to hold it."""
    with pytest.raises(TensorFileError, match="1000000000x3x3x3"):
        built_for(lambda: network(10**9), network().state_dict(), "x.pth")
    asked = []
    with pytest.raises(TensorFileError, match=r"x\.pth holds fewer tensors"):
        built_for(lambda: nn.Sequential(*(asked.append(nn.Linear(1, 1)) for _ in range(10**4))), network().state_dict(),
                  "x.pth")
    assert len(asked) < 2000
    nn.Linear(1, 1)  # elsewhere nothing is counted
    ours = built_for(network, state := network().state_dict(), "x.pth")
    assert torch.equal(ours[0].weight, state["0.weight"])
    assert not ours[0].weight.is_meta
