"""Shares, intervals and tests of votes; raters with a planted preference are found out."""

import math
from dataclasses import replace

import numpy as np
import pytest
from raters import Simulated, let_vote, plan, study_of, write_folders
from scipy.stats import binom

from semsynth.errors import PreferenceError
from semsynth.preference.analysis import analyse, of_counts, of_votes
from semsynth.preference.session import Session
from semsynth.preference.study import read_study
from semsynth.preference.tables import who
from semsynth.preference.votes import read_votes


def covered(studies, share, raters=16, pictures=24, draws=400, **spreads):
    """How often each interval holds the planted share, over simulated studies."""
    hits = {"wilson": 0, "bootstrap": 0}
    for seed in range(studies):
        found = of_votes(*Simulated(share, seed=seed, **spreads).votes(raters, pictures), draws, seed)
        for name in hits:
            low, high = getattr(found, name)
            hits[name] += low <= share <= high
    return {name: count / studies for name, count in hits.items()}


@pytest.mark.parametrize(("chosen", "votes"), [(387, 800), (0, 20), (20, 20), (1, 1), (760, 800)])
def test_counts_by_the_formulas(chosen, votes):
    found = of_counts(chosen, votes)
    z, share = 1.959963984540054, chosen / votes
    middle = (share + z**2 / (2 * votes)) / (1 + z**2 / votes)
    reach = z / (1 + z**2 / votes) * math.sqrt(share * (1 - share) / votes + z**2 / (4 * votes**2))
    assert found.wilson == pytest.approx((middle - reach, middle + reach), abs=1e-9)
    smaller = min(chosen, votes - chosen)
    assert found.p == pytest.approx(min(1.0, 2 * binom.cdf(smaller, votes, 0.5)), rel=1e-9)
    assert (found.share, found.bootstrap, found.p_raters) == (share, None, None)


@pytest.mark.parametrize(("chosen", "votes"), [(0, 0), (3, 2), (-1, 2)])
def test_what_is_no_share_is_refused(chosen, votes):
    with pytest.raises(ValueError, match="no share"):
        of_counts(chosen, votes)


def test_raters_and_pictures_that_differ_widen_the_bootstrap_as_they_should():
    """Intervals of votes taken as independent hold the planted share far too seldom."""
    found = covered(300, 0.6, spread_raters=0.3, spread_pictures=0.3)
    assert found["bootstrap"] >= 0.93
    assert found["wilson"] < 0.85


def test_where_none_differ_wilson_is_right_and_the_bootstrap_wide():
    found = covered(300, 0.5)
    assert 0.92 <= found["wilson"] <= 0.98
    assert found["bootstrap"] >= 0.97


def test_the_sign_test_over_raters_keeps_its_level_where_people_differ():
    tests = [of_votes(*Simulated(0.5, spread_raters=0.4, seed=seed).votes(20, 40), 100) for seed in range(300)]
    assert sum(found.p < 0.05 for found in tests) / 300 > 0.3  # over votes it does not
    assert sum(found.p_raters < 0.05 for found in tests) / 300 < 0.07


def test_the_sign_test_over_raters_leaves_out_who_is_undecided():
    raters, first = ["x"] * 2 + ["y"] * 2 + ["z"] * 2, [True, True, True, False, True, True]
    found = of_votes(raters, list("ababab"), first)
    assert (found.chosen, found.votes, found.raters, found.pictures) == (5, 6, 3, 2)
    assert found.p_raters == pytest.approx(0.5)  # two of two
    assert of_votes(["x", "x"], ["a", "b"], [True, False]).p_raters == 1.0


def test_one_rater_or_one_picture_has_no_bootstrap():
    assert of_votes(["x", "x"], ["a", "b"], [True, False]).bootstrap is None
    assert of_votes(["x", "y"], ["a", "a"], [True, False]).bootstrap is None


@pytest.fixture
def place(tmp_path):
    return write_folders(tmp_path)


def test_a_planted_preference_is_found_through_a_whole_study(place):
    """From the page's questions to the table: 20 raters, of whom 7 in 10 of the answers are for ours."""
    folder = study_of(place, plan(pairs=12))
    chance = np.random.default_rng(1)
    let_vote(folder, 20, lambda rater, item: int(chance.random() >= 0.7))
    found = analyse(read_study(folder), read_votes(folder / "votes.jsonl"), draws=500)
    row, = found.rows
    assert (found.begun, found.finished, found.failed) == (20, 20, 0)
    assert (row.methods, row.time_ms, row.share.votes, row.share.raters, row.share.pictures) == (
        ("a", "b"), None, 240, 20, 12)
    assert row.share.wilson[0] < 0.7 < row.share.wilson[1]
    assert row.share.wilson[0] > 0.5
    assert row.share.p < 1e-4


def test_who_gives_one_side_always_prefers_nothing(place):
    """Half of the pairs are turned: a rater who only clicks left adds no preference."""
    folder = study_of(place, plan(pairs=12))
    session = Session(folder)
    name = session.begin()
    for trial in range(12):
        session.vote(name, trial, "left", 1, None)
    session.close()
    found = analyse(read_study(folder), read_votes(folder / "votes.jsonl"))
    assert found.rows[0].share.share == 0.5


def test_raters_who_fail_the_sentinels_do_not_count(place):
    folder = study_of(place, plan(pairs=6, sentinels=5))
    let_vote(folder, 4, lambda rater, item: 1 if rater == 3 else 0)  # the last takes b for real
    found = analyse(read_study(folder), read_votes(folder / "votes.jsonl"))
    assert (found.begun, found.failed, found.rows[0].share.share, found.rows[0].share.votes) == (4, 1, 1.0, 18)


def test_the_mark_is_a_share_of_the_sentinels_that_were_seen(place):
    folder = study_of(place, plan(pairs=1, sentinels=10, pass_mark=0.9))
    study = read_study(folder)
    wrong = {0: set(), 1: {0}, 2: {0, 1}}
    its = [index for index, item in enumerate(study.items) if item.sentinel]
    let_vote(folder, 3, lambda rater, item: int(study.items.index(item) in {its[k] for k in wrong[rater]}))
    found = analyse(study, read_votes(folder / "votes.jsonl"))
    assert (found.failed, found.rows[0].share.votes) == (1, 2)


def test_times_and_comparisons_are_counted_apart(place):
    layout = plan(comparisons=[["a", "real"], ["a", "b"]], pairs=3, times=[125, 8000])
    folder = study_of(place, layout)
    let_vote(folder, 3, lambda rater, item: int(item.methods == ("a", "real") and item.time_ms == 8000))
    found = analyse(read_study(folder), read_votes(folder / "votes.jsonl"), draws=200)
    assert {(row.methods, row.time_ms): (row.share.share, row.share.votes) for row in found.rows} == {
        (("a", "real"), 125): (1.0, 9), (("a", "real"), 8000): (0.0, 9), (("a", "b"), 125): (1.0, 9),
        (("a", "b"), 8000): (1.0, 9)}


def test_votes_of_another_study_are_not_counted(place):
    folder = study_of(place, plan(pairs=6))
    let_vote(folder, 1, lambda rater, item: 0)
    folder.rename(place / "before")
    small = read_study(study_of(place, plan(pairs=1)))
    with pytest.raises(PreferenceError, match="votes of another study"):
        analyse(small, read_votes(place / "before" / "votes.jsonl"))


def test_a_file_that_was_put_together_of_copies_counts_each_vote_once(place):
    """Of one copy that is whole, and one of an earlier time."""
    folder = study_of(place, plan(pairs=6))
    let_vote(folder, 3, lambda rater, item: int(rater == 2))
    study, votes = read_study(folder), read_votes(folder / "votes.jsonl")
    once, twice = analyse(study, votes), analyse(study, [*votes[:9], *votes])
    assert (once.doubles, twice.doubles) == (0, 9)
    assert replace(twice, doubles=0) == once
    assert "count once: 9." in who(study, twice)
    assert "once" not in who(study, once)


@pytest.mark.parametrize(("change", "told"), [
    ({"chosen": "b"}, r"the rater .* gave two answers to trial 5: .*keep the lines of one"),
    ({"item": 0, "trial": None}, "the rater .* began twice")])
def test_copies_that_do_not_agree_are_refused(place, change, told):
    folder = study_of(place, plan(pairs=6))
    let_vote(folder, 1, lambda rater, item: 0)
    votes = read_votes(folder / "votes.jsonl")
    other = {key: word for key, word in (votes[-1] | change).items() if word is not None}
    with pytest.raises(PreferenceError, match=told):
        analyse(read_study(folder), [*votes, other])


def test_a_study_without_votes_has_no_rows(place):
    found = analyse(read_study(study_of(place, plan())), [])
    assert (list(found.rows), found.begun) == ([], 0)
