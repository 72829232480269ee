import pytest
import torch

from semsynth.modulation import executor


@pytest.fixture(autouse=True)
def untried():
    executor._tried.cache_clear()
    yield
    executor._tried.cache_clear()


def test_without_a_compiler_torch_s_calls_run_and_a_warning_says_why(monkeypatch):
    triton = pytest.importorskip("triton")

    class Driver:
        @property
        def active(self):
            raise RuntimeError("Failed to find C compiler")

    monkeypatch.setattr(triton.runtime, "driver", Driver())
    with pytest.warns(UserWarning, match=r"Failed to find C compiler.*SEMSYNTH_KERNELS=0"):
        assert not executor._tried("cuda")


def test_kernels_can_be_turned_off(monkeypatch):
    monkeypatch.setattr(executor, "DEVICES", {"cpu"})
    assert executor.runs_kernels(torch.zeros(1))
    executor._tried.cache_clear()
    monkeypatch.setenv("SEMSYNTH_KERNELS", "0")
    assert not executor.runs_kernels(torch.zeros(1))
