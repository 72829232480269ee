import numpy as np
import pytest
from scipy import stats

from semsynth.papers.paired import compare, interval

A, B = [0.31, 0.28, 0.35, 0.30, 0.33], [0.36, 0.30, 0.39, 0.38, 0.34]


def test_it_is_scipys_paired_t_test():
    found, expected = compare(A, B), stats.ttest_rel(B, A)
    assert found.t_test == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert found.decided
    assert found.mean == pytest.approx(0.04)


def test_signs_are_flipped_exactly():
    expected = stats.permutation_test((np.array(B) - np.array(A),), lambda x: x.mean(), permutation_type="samples",
                                      n_resamples=np.inf)
    assert compare(A, B).sign_flip == pytest.approx(expected.pvalue) == 2 / 32


def test_the_order_of_seeds_matters():
    """An unpaired test would not see it."""
    assert compare(A, B[::-1]).t_test != pytest.approx(compare(A, B).t_test)


def test_nothing_is_decided_where_seeds_disagree():
    found = compare(A, [a + d for a, d in zip(A, (0.1, -0.1, 0.05, -0.06, 0.02), strict=True)])
    assert not found.decided
    assert found.sign_flip > 0.5


def test_equal_scores_differ_by_nothing():
    assert compare(A, A).t_test == 1


def test_other_numbers_of_seeds_are_refused():
    with pytest.raises(ValueError, match="got 5 and 4"):
        compare(A, B[:4])
    with pytest.raises(ValueError, match="got 1 and 1"):
        compare(A[:1], B[:1])


def test_an_interval_is_students():
    mean, reach = interval(A)
    low, high = stats.t.interval(0.95, 4, np.mean(A), stats.sem(A))
    assert (mean - reach, mean + reach) == pytest.approx((low, high))
    assert interval([1.0])[1] == np.inf
