"""A judge whose network answers with its input, which shows what comes before and after a network."""

import torch
from torch import nn

from semsynth.segmenters.judge import Judge

CLASSES = ["sky", "road", "car"]


class Channels(nn.Module):
    """Answers with its input, and remembers it."""

    def __init__(self, stride=1):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.stride, self.seen = stride, []

    def forward(self, x):
        self.seen.append(x)
        return self.weight * x[..., :: self.stride, :: self.stride]

    def features(self, x):
        return x


def judge(stride=1, **keys):
    network = Channels(stride)
    return Judge(network, name="test", classes=keys.pop("classes", CLASSES), **keys), network
