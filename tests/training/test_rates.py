import pytest

from semsynth.training.rates import linear_decay


def test_the_published_schedule():
    # e counts from 1: constant for niter epochs, then lr0 * (1 - (e - 1 - niter) / niter_decay)
    factors = [linear_decay(e - 1, epochs=5, decay_epochs=2) for e in range(1, 6)]
    assert factors == [1, 1, 1, 1, 0.5]
    assert linear_decay(199, 200, 100) == pytest.approx(1 / 100)
    assert linear_decay(100, 200, 100) == 1
    assert linear_decay(101, 200, 100) == pytest.approx(0.99)


def test_constant_without_decay():
    assert {linear_decay(e, 3, 0) for e in range(10)} == {1.0}


def test_decay_longer_than_training_is_refused():
    with pytest.raises(ValueError, match="epochs=3"):
        linear_decay(0, 3, 4)
