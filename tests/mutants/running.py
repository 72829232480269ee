"""Runs the tests of a module in a process of its own, which reads another text in place of the module's file."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

COMMON = ("torch", "torchvision", "torchmetrics", "pytorch_lightning", "hydra", "scipy.stats", "scipy.linalg",
          "sklearn.metrics", "albumentations", "PIL.Image", "rich.console", "pytest")
MEMORY = 6 * 2 ** 30  # bytes of address space that a process may take beyond what it begins with


class _Text(importlib.machinery.SourceFileLoader):
    """Loads a module from a text; no bytecode of it is kept."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self.text = text

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.text.encode(), self.path)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds one module, at its own path but with another text."""

    def __init__(self, name: str, path: Path, text: str) -> None:
        self.name, self.path, self.text = name, path, text

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        if fullname != self.name:
            return None
        loader = _Text(fullname, str(self.path), self.text)
        return importlib.util.spec_from_file_location(fullname, self.path, loader=loader)


@dataclass(frozen=True)
class Ending:
    """How the tests ended: `code` is pytest's exit code, negative after a signal (as at the limit of time)."""

    code: int
    seconds: float
    output: str

    @property
    def survived(self) -> bool:
        """Whether all tests passed."""
        return self.code == 0


def preload(names: Sequence[str] = COMMON) -> None:
    """Import what most tests import, once for all processes; nothing of the package itself."""
    for name in names:
        importlib.import_module(name)
    if any(name.split(".")[0] == "semsynth" for name in sys.modules):
        raise RuntimeError("semsynth is imported already: its mutants would not be read")


def run(tests: Sequence[str], scratch: Path, *, limit: float, module: tuple[str, Path, str] | None = None) -> Ending:
    """Run tests until the first that fails.

    Args:
        tests: Arguments of pytest.
        scratch: A folder for the tests and what they print.
        limit: Seconds of processor time after which they are ended; who only waits is ended after ten times that.
        module: Name, path and new text of the module that is another one; None: all are as they are.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    said, start = scratch / "output.txt", time.monotonic()
    child = os.fork()
    if child == 0:
        _become_pytest(tests, scratch, said, module, limit)
    code = os.waitstatus_to_exitcode(_wait(child, start + 10 * limit))
    return Ending(code, time.monotonic() - start, said.read_text(errors="replace") if said.exists() else "")


def _wait(child: int, deadline: float) -> int:
    done, status = 0, 0
    try:
        while not done and time.monotonic() < deadline:
            time.sleep(0.05)
            done, status = os.waitpid(child, os.WNOHANG)
    finally:  # also where this process is interrupted
        if not done:
            os.killpg(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
    return status


def _become_pytest(tests: Sequence[str], scratch: Path, said: Path, module: tuple[str, Path, str] | None,
                   limit: float) -> None:
    """In the child; does not return."""
    code = 99
    try:
        os.setsid()
        into = os.open(said, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
        for stream in (1, 2):
            os.dup2(into, stream)
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(limit), math.ceil(limit)))
        if module is not None:
            sys.meta_path.insert(0, _Finder(*module))
        import pytest

        code = int(pytest.main([*tests, "-x", "-q", "--tb=line", "-p", "no:cacheprovider", "-p", "no:xdist", "-m",
                                "not slow and not ddp and not cuda", f"--basetemp={scratch / 'tests'}"]))
    finally:
        sys.stdout.flush()
        os._exit(code)
