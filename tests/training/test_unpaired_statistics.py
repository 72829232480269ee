"""Which pictures move the batch statistics of the segmenter in the loop."""

import copy

import pytest
import torch
from looping import Data, changed, fit, make_system
from torch.testing import assert_close


def passes(system):
    """Keep the pictures that the segmenter sees in training mode."""
    seen = []
    system.segmenter.register_forward_pre_hook(
        lambda module, arguments: seen.append(arguments[0].detach().clone()) if module.training else None)
    return seen


@pytest.mark.parametrize("regenerate", [True, False])
@pytest.mark.parametrize("real_statistics", [False, True])
def test_the_photographs_move_the_statistics_of_the_segmenter_where_asked(tiny, tmp_path, regenerate, real_statistics):
    system = make_system(regenerate_fake=regenerate, real_statistics=real_statistics)
    before, seen = copy.deepcopy(system), passes(system)
    fit(tiny, tmp_path, system, limit_train_batches=1)
    real = next(iter(Data().train_dataloader()))["image"]
    assert len(seen) == 1 + real_statistics  # and none in the discriminator's step
    assert torch.equal(seen[0], real) == real_statistics
    assert not torch.equal(seen[-1], real)
    first = system.segmenter.network.down[0]
    expected, channel = torch.zeros(first[1].num_features), before.segmenter.network.down[0][0]
    for images in seen:  # the first convolution's output, in the mean
        expected = 0.9 * expected + 0.1 * channel(images).mean((0, 2, 3))
    assert_close(first[1].running_mean, expected)


def test_statistics_alone_change_no_gradient(tiny, tmp_path):
    states = []
    for real_statistics in (False, True):
        system = make_system(real_statistics=real_statistics)
        fit(tiny, tmp_path, system, limit_train_batches=1)
        states.append(dict(system.named_parameters()))
    for name, value in states[0].items():
        assert_close(states[1][name], value, msg=name)


@pytest.mark.parametrize(("extra", "settings"), [(("paired",), {"unpaired": "as_released"}), (("cycle", "label"), {})])
def test_photographs_that_a_term_segments_are_not_segmented_twice(tiny, tmp_path, extra, settings):
    system = make_system(extra=extra, real_statistics=True, **settings)
    seen = passes(system)
    fit(tiny, tmp_path, system, limit_train_batches=1)
    assert len(seen) == 2


def test_a_frozen_segmenter_keeps_its_statistics(tiny, tmp_path):
    system = make_system(frozen=True, real_statistics=True)
    before = copy.deepcopy(system.segmenter.state_dict())
    fit(tiny, tmp_path, system)
    for name, value in system.segmenter.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_the_segmenter_learns_after_a_look_at_photographs(tiny, tmp_path, precision):
    system = make_system(real_statistics=True)
    before = copy.deepcopy(system)
    fit(tiny, tmp_path, system, limit_train_batches=1, precision=precision)
    trained = {name for name, _ in system.named_parameters() if name.startswith("segmenter.")}
    assert changed(before, system, "segmenter") == trained
