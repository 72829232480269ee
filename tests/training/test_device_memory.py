from types import SimpleNamespace

import pytest
import torch

from semsynth.training.device_memory import DeviceMemory, Least, to_come

GB = 10**9


def test_moments_of_all_networks_and_the_gradients_of_the_largest():
    networks = [torch.nn.Linear(3, 4), torch.nn.Linear(3, 1)]  # 16 and 4 parameters
    optimizers = [torch.optim.Adam(network.parameters()) for network in networks]
    assert to_come(optimizers) == 4 * (2 * (16 + 4) + 16)
    networks[0](torch.ones(1, 3)).sum().backward()
    optimizers[0].step()
    assert to_come(optimizers) == 4 * (2 * 4 + 16)


@pytest.mark.parametrize(("free", "start", "end"), [
    (5, "GPU memory: 2.00 GB held, 3.00 GB to come", "2.00 GB of 16.00 GB stay for the activations"),
    (2, "warning: GPU memory: 2.00 GB held, 3.00 GB to come", "but only 2.00 GB of 16.00 GB are free")])
def test_a_gpu_with_less_is_warned_of(capsys, monkeypatch, free, start, end):
    """Free is what no process has, and what this one has set aside."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: ((free - 1) * GB, 16 * GB))
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 2 * GB)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 3 * GB)
    monkeypatch.setattr("semsynth.training.device_memory.to_come", lambda optimizers: 3 * GB)
    trainer = SimpleNamespace(strategy=SimpleNamespace(root_device=torch.device("cuda")), is_global_zero=True,
                              optimizers=[])
    DeviceMemory().on_train_start(trainer, None)
    said = capsys.readouterr().out
    assert said.startswith(start)
    assert end in said
    trainer.strategy.root_device = torch.device("cpu")
    DeviceMemory().on_train_start(trainer, None)
    assert not capsys.readouterr().out
    assert Least(0, 3, 3, 3).line().startswith("GPU memory")
