"""Memory that is taken and let go, for measurements in processes of their own."""

import torch

from semsynth.complexity import memory

MB = 2 ** 20


def peak_of(megabytes):
    """Bytes at the peak of so much, made after more was let go."""
    torch.ones(64 * MB)
    with memory.peak_above_now(torch.device("cpu")) as peak:
        torch.ones(megabytes * MB // 4)
    return peak.bytes
