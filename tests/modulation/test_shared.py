"""Batch statistics of several processes, each on its own path, against one process with the whole batch."""

import copy
import os
import sys

import pytest
import sharing
import torch
from processes import Process
from torch import nn
from torch.testing import assert_close

from semsynth.modulation.shared import Processes, SharedBatchNorm, foldable
from semsynth.norms import base as base_module
from semsynth.norms.base import plain_formula
from semsynth.norms.spade import SPADE
from semsynth.semantics import Semantics


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Cases by name, and what the two processes made of them."""
    folder = tmp_path_factory.mktemp("sharing")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [Process([sharing.__file__, rank, folder], folder, environment) for rank in range(2)]
    said = [process.stdout.read() for process in processes]
    assert [process.wait() for process in processes] == [0, 0], said
    ranks = [torch.load(folder / f"{rank}.pt") for rank in range(2)]
    return {name: (case, [r[name] for r in ranks]) for name, case in sharing.made().items()}


@pytest.mark.ddp
@pytest.mark.parametrize("name", sharing.CASES)
def test_equals_one_process_with_the_whole_batch(found, name):
    case, ranks = found[name]
    network, given = case["network"], case["given"]
    inputs = [torch.cat(parts).requires_grad_() if isinstance(parts[0], torch.Tensor)
              else Semantics(torch.cat([p.labels for p in parts]), sharing.K).prepare(case["sizes"])
              for parts in zip(*(g["inputs"] for g in given), strict=True)]
    with plain_formula():
        out = network(*inputs)
        (out * torch.cat([g["weights"] for g in given])).sum().backward()
    assert_close(torch.cat([r["out"] for r in ranks]), out.detach())
    for i, x in enumerate(x for x in inputs if isinstance(x, torch.Tensor)):
        assert_close(torch.cat([r["inputs"][i] for r in ranks]), x.grad)
    for parameter, value in network.named_parameters():
        for r in ranks:  # which have averaged them
            assert_close(2 * r["parameters"][parameter], value.grad, msg=parameter)
    for buffer, value in network.named_buffers():
        for r in ranks:
            assert_close(r["buffers"][buffer], value, msg=buffer)


@pytest.mark.parametrize(("make", "path"), [(sharing.repeating, True), (sharing.noise, False)])
def test_the_label_maps_take_the_paths_they_are_for(make, path, monkeypatch):
    monkeypatch.setattr(base_module, "FUSED_ELEMENTS", 1)
    norm = SPADE(3, sharing.K).double()
    maps = Semantics(make(1), sharing.K).prepare(sharing.SIZES)
    assert (norm.fused(sharing.channels_last(1, 3, sharing.H, sharing.W), maps) is not None) == path


def shared(norm):
    """As `share_statistics` leaves it in one process."""
    norm.__class__ = SharedBatchNorm
    norm.processes = None
    return norm


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 4, 5), (2, 3, 2, 2, 2)])
def test_is_torchs_batch_norm_in_one_process(shape, training, affine):
    cls = {2: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}[len(shape)]
    plain = cls(3, affine=affine).double().train(training)
    norm, x = shared(copy.deepcopy(plain)), torch.randn(shape).double().requires_grad_()
    out, expected, weights = norm(x), plain(x), torch.randn(shape).double()
    assert_close(out, expected)
    assert_close(*(torch.autograd.grad((o * weights).sum(), (x, *m.parameters())) for o, m in
                   ((out, norm), (expected, plain))))
    assert_close(dict(norm.named_buffers()), dict(plain.named_buffers()))


def test_low_precision_keeps_its_statistics_in_float32():
    norm, x = shared(nn.BatchNorm2d(3)), (torch.randn(2, 3, 8, 8) * 2 + 5).bfloat16().requires_grad_()
    out = norm(x)
    out.sum().backward()
    assert out.dtype == x.grad.dtype == torch.bfloat16
    assert norm.running_mean.dtype == torch.float32
    assert_close(out.detach(), nn.BatchNorm2d(3)(x.detach().float()).bfloat16(), rtol=0.02, atol=0.02)


def test_of_torchs_own_shared_norm_nothing_is_fused():
    assert not foldable(nn.SyncBatchNorm(3, affine=False))
    assert foldable(nn.BatchNorm2d(3, affine=False))


def test_needs_a_channel():
    with pytest.raises(ValueError, match="got input"):
        shared(nn.BatchNorm1d(3))(torch.zeros(3))


def test_a_copy_shares_with_the_same_processes():
    norm = shared(nn.BatchNorm2d(3))
    norm.processes = Processes(object())
    assert copy.deepcopy(norm).processes is norm.processes
