import pytest
import torch

from semsynth.errors import NonFiniteError
from semsynth.training.watch import Watch


def noted(*groups):
    watch = Watch()
    for where, values in groups:
        watch.note({name: torch.tensor(value) for name, value in values.items()}, where)
    return watch


NAN, INF = float("nan"), float("inf")


def test_all_that_were_bad_first_are_named_and_no_later_ones():
    watch = noted(("batch 1", {"a": 1.0, "b": 2.0}), ("batch 2", {"a": NAN, "b": -INF, "c": 0.0}),
                  ("batch 2", {"norm": NAN}), ("batch 3", {"a": NAN, "b": NAN}))
    with pytest.raises(NonFiniteError, match=r"^a = nan, b = -inf in batch 2, where it began$"):
        watch.look()
    assert watch.look() == []  # it starts anew


def test_what_is_read_along_comes_back():
    watch = noted(("batch 1", {"a": 1.0}), ("batch 2", {"b": 2.0, "c": 3.0}))
    assert watch.look([torch.tensor(5.0), torch.tensor(0.5)]) == [5.0, 0.5]
    assert watch.look([torch.tensor(NAN)]) != []  # nothing noted: nothing checked
    assert watch.look() == []


def test_the_first_of_all_processes_is_named():
    """This process sees the gradients of another's NaN one step later."""
    other = torch.tensor([1.0, NAN, 1.0, NAN])
    watch = noted(("batch 1", {"a": 1.0, "b": 2.0}), ("batch 2", {"a": NAN, "b": NAN}))
    with pytest.raises(NonFiniteError, match=r"^b = nan in batch 1"):
        watch.look(gather=lambda mine: torch.stack([mine, other]))


def test_what_is_read_along_is_the_mean_of_all_processes():
    fine, other = noted(("batch 1", {"a": 1.0, "b": 2.0})), torch.tensor([9.0, 9.0, 8.0, 1.0])
    read = fine.look([torch.tensor(7.0), torch.tensor(2.0)], gather=lambda mine: torch.stack([mine, other]))
    assert read == [7.5, 1.5]
