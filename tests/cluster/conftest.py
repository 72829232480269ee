"""One Slurm for all tests of this folder, and the jobs on it, which run at the same time."""

import shutil
import signal
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cluster import jobs
from cluster.slurm import Slurm, install

SKIPPED = pytest.StashKey[str]()


def pytest_terminal_summary(terminalreporter):
    """Why all are skipped, in one line."""
    if reason := terminalreporter.config.stash.get(SKIPPED, None):
        terminalreporter.write_line(f"tests/cluster was skipped: {reason}")


@pytest.fixture(scope="session")
def slurm(request):
    reason = install()
    if reason:
        request.config.stash[SKIPPED] = reason
        pytest.skip(reason)
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("stopped by SIGTERM", 1))  # it leaves nothing behind either
    folder = Path(tempfile.mkdtemp(prefix="slurm"))  # short: it holds a socket
    cluster = Slurm(folder / "slurm")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def started(slurm, tmp_path_factory):
    """All jobs, each followed in a thread; `started["sweep"].result()` waits for one and is what came of it."""
    folder = tmp_path_factory.mktemp("jobs")
    with ThreadPoolExecutor(len(jobs.ALL)) as threads:
        yield {name: threads.submit(follow, slurm, folder) for name, follow in jobs.ALL.items()}
        slurm.stop()  # whoever still waits for something gives up
