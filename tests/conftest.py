import gc
import logging
import os
import resource
import sys
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ.setdefault("WANDB_MODE", "offline")
os.environ["SEMSYNTH_WEIGHTS"] = os.environ["TORCH_HOME"] = os.devnull  # nobody's own weights are found here
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the same sums in every run, and the tests beside each other
# Where bytecode may not be written, each of the many processes that these tests start would compile torch and Lightning
# anew, which takes longer than running them. Set before the workers start, which inherit it.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode"))

import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig


def pytest_collection():
    gc.disable()


def pytest_collection_finish():
    """What was imported stays; looking it through again and again took a tenth of the time of the tests."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 20, 20)


def pytest_sessionfinish():
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _loggers():
    """Commands within this process let Hydra switch off the loggers that are there; the next test has its own again."""
    logging.disable(logging.NOTSET)
    logging.root.setLevel(logging.WARNING)
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] == "semsynth":
            logger = logging.getLogger(name)
            logger.disabled, logger.propagate = False, True
            logger.setLevel(logging.NOTSET)


@pytest.fixture(autouse=True)
def _hydra():
    """A command within this process leaves its words to Hydra; the next test has typed none."""
    HydraConfig.instance().cfg = None
    GlobalHydra.instance().clear()


@pytest.fixture(autouse=True)
def _no_downloads(monkeypatch):
    from semsynth.pretrained import download

    monkeypatch.setattr(download, "unreachable", lambda server: "no network in tests")


@pytest.fixture(autouse=True)
def _wandb():
    """A run that a test leaves open would take what the next ones log."""
    yield
    wandb = sys.modules.get("wandb")
    left = getattr(wandb, "run", None)
    if left is not None:
        wandb.finish()
    assert left is None, f"the W&B run of {left.dir} was left open"


@pytest.fixture
def small_files():
    """A context in which no file can grow beyond some bytes, as on a disk that is full."""
    @contextmanager
    def limited(size):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory):
    """Makes a run directory of narrow untrained networks, whose batch norms have seen a few batches.

    tiny_run(norm="clade", z_dim=0, edges=False, size=(32, 32), ...) -> its path.
    """
    def make(*args, **words):
        from tiny_runs import make_run

        return make_run(tmp_path_factory.mktemp("runs") / "tiny", *args, **words)

    return make
