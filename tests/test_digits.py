import pytest

from semsynth.digits import duration, rounded


@pytest.mark.parametrize(("value", "digits", "text"), [
    (99.6, 2, "100"), (0.000053, 2, "0.000053"), (12345.678, 4, "12350"), (12.34567, 4, "12.35"), (0.5, 4, "0.5"),
    (0.0, 2, "0"), (-0.00012, 1, "-0.0001"), (float("nan"), 4, "nan")])
def test_no_exponents(value, digits, text):
    assert rounded(value, digits) == text


@pytest.mark.parametrize(("seconds", "words"), [(42.3, "42 s"), (330, "6 min"), (7200, "2.0 h"), (1e6, "12 days")])
def test_durations(seconds, words):
    assert duration(seconds) == words
