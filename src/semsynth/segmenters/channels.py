"""From the channels of a network to the classes of a data set."""

from collections.abc import Sequence

import torch
from torch import Tensor


def to_classes(logits: Tensor, class_map: Sequence[int | None] | None, num_classes: int) -> Tensor:
    """Channels (N,C,h,w) -> classes (N,num_classes,h,w).

    Args:
        logits: of the network.
        class_map: for every channel the class that it stands for, None where it stands for none; None altogether where
            both agree. Channels of one class are summed (as probabilities); a class without a channel gets -inf.
        num_classes: of the data set.

    Raises:
        ValueError: another number of channels.
    """
    channels = num_classes if class_map is None else len(class_map)
    if logits.shape[1] != channels:
        what = "classes" if class_map is None else "entries of class_map"
        raise ValueError(f"answers with {logits.shape[1]} channels for {channels} {what}")
    if class_map is None:
        return logits
    sources: list[list[int]] = [[] for _ in range(num_classes)]
    for channel, target in enumerate(class_map):
        if target is not None:
            sources[target].append(channel)
    nothing = torch.full_like(logits[:, 0], -torch.inf)
    return torch.stack([logits[:, s].logsumexp(1) if len(s) > 1 else logits[:, s[0]] if s else nothing
                        for s in sources], 1)


def judged_classes(class_map: Sequence[int | None] | None, num_classes: int, ignore: int | None) -> list[int]:
    """The classes that a network can answer, in order."""
    known = range(num_classes) if class_map is None else sorted({c for c in class_map if c is not None})
    return [c for c in known if c != ignore]
