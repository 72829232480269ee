"""Bytes of tensors that are alive, and the law of a batch that follows from them."""

from functools import partial

import numpy as np
import pytest
import torch

from semsynth.complexity.live import Course, Law, LiveBytes
from semsynth.complexity.memory import MemoryUnknown

KB = 256  # float32 values of a kilobyte


def test_what_is_alive_is_counted_forward_and_backward():
    weight = torch.ones(KB, requires_grad=True)
    with LiveBytes() as live:
        weight.data.add_(1)  # it was there before
        assert live.now == 0
        kept = (weight * 2).exp()  # the product is freed, exp keeps its own output
        assert live.now == 1024
        view = kept[1:]
        assert live.now == 1024
        kept.sum().backward()
        assert live.now == 2 * 1024  # and a gradient
        del kept, view
        assert live.now == 1024
        weight.grad = None
    assert live.now == 0
    assert max(after for _, after in live.course) >= 3 * 1024  # gradients of exp and of the product beside kept


def course(count, before=100):
    """40 fixed and 10 for each sample, then gradients of 70 without any; prepared in a loop."""
    names = [*["prepare"] * count, "forward", "backward", "small" if count < 2 else "large", "step"]
    live = [before + 3 * count, *[before + 3 * count] * (count - 1), before + 40 + 10 * count, before + 30 + 8 * count,
            before, before + 70]
    return Course(before + 3 * count, tuple(names), np.array(live), 1000, 500)


@pytest.mark.parametrize(("batch", "peak", "fixed", "each"), [(1, 170, 70, 0), (2, 170, 70, 0), (4, 180, 40, 10),
                                                              (100, 1140, 40, 10)])
def test_the_peak_moves_from_gradients_to_activations(batch, peak, fixed, each):
    law = Law.of((1, 2), (course(1), course(2)))
    assert law.states == 100
    assert law.peak(batch) == peak
    assert law.at_peak(batch) == (fixed, each)


def test_without_common_operations_there_is_no_law():
    other = Course(100, ("a", "b"), np.array([200, 300]), 1000, 500)
    with pytest.raises(MemoryUnknown, match=r"no law follows from memory_batches=\[1, 2\]"):
        Law.of((1, 2), (course(1), other))


def test_the_law_of_two_batches_holds_for_a_third():
    def held(count):
        network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Conv2d(8, 3, 3))
        images = torch.ones(count, 3, 16, 16)
        with LiveBytes() as live:
            network(images).square().mean().backward()
        names, after = zip(*live.course, strict=True)
        return Course(0, names, np.array(after), 0, 0)

    law = Law.of((2, 3), (held(2), held(3)))
    assert law.peak(9) == held(9).live.max()


def test_fits():
    from semsynth.complexity import fitting

    law = Law.of((1, 2), (course(1), course(2)))
    found = partial(fitting.needed, law)
    assert sum(found(4, True).values()) == 1000 + 500 + 180 + int(1e9 + 168)
    assert found(4, False)["average"] == 0
    device = sum(found(7, True).values())
    assert fitting.largest(law, device, True) == 7
    assert fitting.largest(law, device - 1, True) == 6
    assert fitting.largest(law, int(1e9), True) == 0
    said = fitting.in_words(fitting.fitted(law, device, 4, True))
    assert said[0].startswith("training, batch 4 (the recipe's, on one GPU) needs about 1.0 GB")
    assert said[-1] == "the largest batch that fits into 1 GB: batch.device=7"
    assert fitting.in_words(fitting.fitted(law, 10, 4, True))[-1].startswith("not one sample fits into")
