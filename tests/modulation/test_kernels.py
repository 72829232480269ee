"""Triton kernels without a GPU: in the interpreter against the formulas, and what a compiler makes of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton")
HERE = Path(__file__).parent


def run(*command, **variables):
    """In a process of its own: whether kernels are interpreted is settled when Triton is imported."""
    done = subprocess.run([sys.executable, *command], cwd=HERE, env=os.environ | variables, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_every_kernel_in_the_interpreter():
    run("-m", "pytest", "-x", "--import-mode=importlib", "-p", "no:cacheprovider", "interpreted.py",
        TRITON_INTERPRET="1")
