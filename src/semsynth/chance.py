"""Random streams that never coincide: every use of chance has a name, which is part of its key."""

from __future__ import annotations

import hashlib

import numpy as np


def seeds(use: str, *numbers: int) -> np.random.SeedSequence:
    """Seeds of one use of chance at one place, such as ``seeds("order of the samples", seed, epoch)``.

    Another name, another number or another count of numbers gives independent seeds, on every platform the same ones.
    numpy's own keys do not promise that: ``SeedSequence([s, e])`` equals ``SeedSequence([s, e, 0])``, and
    ``SeedSequence([2**32])`` equals ``SeedSequence([0, 1])``, so that two uses can share a stream unseen. Hence a hash.

    Args:
        use: What is drawn, a name that no other use has.
        numbers: Where, such as seed, epoch and index.
    """
    key = repr((use, *(int(number) for number in numbers)))
    return np.random.SeedSequence(int.from_bytes(hashlib.sha256(key.encode()).digest()[:16], "little"))


def stream(use: str, *numbers: int) -> np.random.Generator:
    """A generator from `seeds`."""
    return np.random.default_rng(seeds(use, *numbers))
