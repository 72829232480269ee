import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from semsynth.training.optimizers import make_optimizer

ADAM = partial(torch.optim.Adam, lr=0.1, betas=(0.0, 0.9))
CUDA, CPU = torch.device("cuda"), torch.device("cpu")


def steps(network, optimizer, count):
    for step in range(count):
        network.weight.grad = torch.full_like(network.weight, step + 1.0)
        optimizer.step()


@pytest.mark.parametrize("make", [ADAM, partial(torch.optim.AdamW, lr=0.1), partial(torch.optim.SGD, lr=0.1)])
def test_on_cuda_it_is_fused_where_it_can_be(make):
    parameters = list(nn.Linear(2, 2).parameters())
    assert make_optimizer(make, parameters, CUDA).param_groups[0]["fused"] is True
    assert make_optimizer(make, parameters, CPU).param_groups[0]["fused"] is None
    assert make_optimizer(partial(make, fused=False), parameters, CUDA).param_groups[0]["fused"] is False
    assert make_optimizer(partial(make, foreach=True), parameters, CUDA).param_groups[0]["foreach"] is True


def test_others_stay_as_they_are():
    parameters = list(nn.Linear(2, 2).parameters())
    assert make_optimizer(partial(torch.optim.Adamax, lr=0.1), parameters, CUDA).param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize(("first", "second"), [(CPU, CUDA), (CUDA, CPU)])
def test_a_run_goes_on_with_the_kernels_of_its_device(first, second):
    """From a checkpoint of the other kind: the same steps to rounding."""
    network = nn.Linear(2, 2)
    resumed = copy.deepcopy(network)
    optimizer = make_optimizer(ADAM, [network.weight], first)
    steps(network, optimizer, 3)
    saved = copy.deepcopy((network.state_dict(), optimizer.state_dict()))
    steps(network, optimizer, 3)

    resumed.load_state_dict(saved[0])
    another = make_optimizer(ADAM, [resumed.weight], second)
    another.load_state_dict(saved[1])
    group = another.param_groups[0]
    assert group["fused"] == (True if second is CUDA else None)
    assert group["lr"] == 0.1
    assert all(state["step"].dtype == torch.float32 for state in another.state.values())
    steps(resumed, another, 3)
    assert_close(resumed.weight, network.weight)
    assert next(iter(another.state.values()))["step"] == 6
