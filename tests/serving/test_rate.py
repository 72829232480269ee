"""How often something may happen."""

from semsynth.serving.rate import Rate


def test_a_window_that_moves():
    now = [0.0]
    rate = Rate(2, 10.0, lambda: now[0])
    assert [rate.admit() for _ in range(3)] == [True, True, False]
    now[0] = 9.9
    assert not rate.admit()
    now[0] = 10.0
    assert [rate.admit() for _ in range(3)] == [True, True, False]
