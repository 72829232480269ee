"""Who shares the statistics of batch norms over processes."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from semsynth.modulation.shared import SharedBatchNorm


@pytest.mark.parametrize("world", [1, 2])
def test_with_several_processes_every_batch_norm_of_every_network_shares_its_statistics(tiny, monkeypatch, world):
    """Those inside other modules and of encoder and discriminator too; alone, nothing is exchanged."""
    system, groups = tiny.system(), []
    system.encoder.mu = nn.Sequential(nn.BatchNorm1d(3), system.encoder.mu)
    system.discriminator.last = nn.Sequential(nn.BatchNorm2d(4, affine=False), system.discriminator.last)
    monkeypatch.setattr(torch.distributed, "new_group", lambda: groups.append("group") or groups[-1])
    system._trainer = SimpleNamespace(world_size=world)
    system.setup("fit")
    norms = [system.generator.norm, system.encoder.mu[0], system.discriminator.last[0]]
    assert [isinstance(norm, SharedBatchNorm) for norm in norms] == [world > 1] * 3
    assert [getattr(norm, "processes", None) is not None for norm in norms] == [world > 1] * 3
    assert len(groups) == (world > 1)  # one for all, apart from that of the gradients
