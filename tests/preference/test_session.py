"""What raters see, in which order, and that they can go on whenever the server ended."""

import json
from collections import Counter
from datetime import timedelta

import pytest
from raters import NOON, let_vote, plan, study_of, write_folders

from semsynth.errors import PreferenceError
from semsynth.preference.order import trials
from semsynth.preference.session import Closed, Conflict, Session, Unknown
from semsynth.preference.study import read_study
from semsynth.preference.votes import read_votes


@pytest.fixture
def place(tmp_path):
    return write_folders(tmp_path)


@pytest.fixture
def opened():
    """Opens sessions, and closes them."""
    sessions = []

    def open_one(folder):
        sessions.append(Session(folder, lambda: NOON))
        return sessions[-1]

    yield open_one
    for session in sessions:
        session.close()


def test_order_and_sides_follow_from_the_seed(place):
    study = read_study(study_of(place, plan(pairs=12)))
    first = trials(study, 0, 0)
    assert first == trials(study, 0, 0)
    assert sorted(trial.item for trial in first) == list(range(12))
    assert Counter(trial.left for trial in first) == {0: 6, 1: 6}
    others = [trials(study, number, 0) for number in range(1, 30)]
    assert len({tuple(trial.item for trial in its) for its in others}) == 29
    assert len({tuple(trial.left for trial in its) for its in others}) > 25
    of_one = [next(trial.left for trial in its if trial.item == 3) for its in others]
    assert {0, 1} == {*of_one}


def test_sides_tell_nothing_of_sentinels(place):
    """Each side holds the right answer about equally often."""
    study = read_study(study_of(place, plan(pairs=6, sentinels=6)))
    left = [trial.left for number in range(200) for trial in trials(study, number, 0)
            if study.items[trial.item].sentinel]
    assert 0.42 < sum(left) / len(left) < 0.58
    places = [place for number in range(200) for place, trial in enumerate(trials(study, number, 0))
              if study.items[trial.item].sentinel]
    assert all(70 < count < 130 for count in Counter(places).values())  # at random places: 100 of 200 each


def test_an_answer_is_that_of_the_picture_on_its_side(place, opened):
    session = opened(study_of(place, plan()))
    name = session.begin()
    for index, trial in enumerate(session.raters[name].trials):
        item = session.study.items[trial.item]
        assert session.picture(name, index, "left").name == item.files[trial.left]
        assert session.picture(name, index, "right").name == item.files[1 - trial.left]
        session.vote(name, index, "right", 5, None)
        record = session.votes.records[-1]
        assert record["left"] == item.methods[trial.left]
        assert record["chosen"] == item.methods[1 - trial.left] != record["left"]
    assert session.state(name) == {"trial": 4, "of": 4, "done": True}


def test_a_session_goes_on_where_the_last_one_ended(place, opened):
    folder = study_of(place, plan(times=[125]))
    session = opened(folder)
    name, other = session.begin(), session.begin()
    session.vote(name, 0, "left", 5, 133)
    state, order = session.state(name), session.raters[name].trials
    session.close()
    again = opened(folder)
    assert again.state(name) == state == {"trial": 1, "of": 4, "done": False, "time_ms": 125, "map": False}
    assert again.raters[name].trials == order
    assert again.state(other)["trial"] == 0
    assert again.vote(name, 0, "left", 9, 133) == state  # sent twice: the answer was lost on the way
    assert len(again.votes.records) == 3
    again.vote(name, 1, "right", 5, 120)
    assert [record.get("trial") for record in read_votes(folder / "votes.jsonl")] == [None, None, 0, 1]


def test_votes_whose_lines_were_sorted_go_on_as_well(place, opened):
    folder = study_of(place, plan())
    session = opened(folder)
    name = session.begin()
    for trial in range(2):
        session.vote(name, trial, "left", 5, 133)
    chosen = list(session.raters[name].chosen)
    session.close()
    lines = (folder / "votes.jsonl").read_text().splitlines(True)
    (folder / "votes.jsonl").write_text("".join(reversed(lines)))
    again = opened(folder)
    assert again.raters[name].chosen == chosen
    assert again.state(name)["trial"] == 2


def test_answers_come_in_order_and_stay(place, opened):
    session = opened(study_of(place, plan()))
    name = session.begin()
    session.vote(name, 0, "left", 5, None)
    for trial, side in ((0, "right"), (2, "left"), (4, "left")):
        with pytest.raises(Conflict):
            session.vote(name, trial, side, 5, None)
    with pytest.raises(Unknown):
        session.vote("nobody", 0, "left", 5, None)
    assert len(session.votes.records) == 2


def test_pictures_of_pairs_that_are_not_next_are_not_there(place, opened):
    session = opened(study_of(place, plan()))
    name = session.begin()
    for trial, which in ((1, "left"), (-1, "left"), (0, "map"), (0, "middle"), (0, "../study.json")):
        with pytest.raises(Unknown):
            session.picture(name, trial, which)
    with pytest.raises(Unknown):
        session.picture("nobody", 0, "left")


def test_raters_are_spread_over_pages_until_each_has_enough(place):
    folder = study_of(place, plan(pairs=2, pages=3, raters=2))
    let_vote(folder, 6, lambda rater, item: 0)
    begun = [record for record in read_votes(folder / "votes.jsonl") if "trial" not in record]
    assert Counter(record["page"] for record in begun) == {0: 2, 1: 2, 2: 2}
    with pytest.raises(Closed):
        let_vote(folder, 1, lambda rater, item: 0)


def test_who_stops_is_replaced(place, opened):
    session = opened(study_of(place, plan(pairs=1, raters=1)))
    session.begin()
    name = session.begin()
    session.vote(name, 0, "left", 5, None)
    with pytest.raises(Closed):
        session.begin()
    assert session.progress() == "2 raters, 1 have finished of 1 wanted; 1 votes"


def test_pages_are_judged_equally_often_where_raters_drop_out(place):
    """All who begin on the first of two pages leave, until an hour has passed."""
    clock = [NOON]
    session = Session(study_of(place, plan(pairs=1, pages=2, raters=4)), lambda: clock[0])
    for _ in range(3):
        session.begin()
        session.vote(session.begin(), 0, "left", 5, None)
    pages = [rater.page for rater in session.raters.values()]
    assert pages == [0, 1] * 3
    clock[0] += timedelta(minutes=61)
    for _ in range(3):
        session.vote(session.begin(), 0, "left", 5, None)
    assert [rater.page for rater in session.raters.values()][6:] == [0, 0, 0]
    session.begin()
    session.begin()
    assert {rater.page for rater in [*session.raters.values()][9:]} == {0, 1}
    session.close()


def test_who_answers_is_expected_to_go_on(place):
    """Also after more than an hour, and of whoever serves the study then."""
    folder, clock = study_of(place, plan(pairs=4, pages=2)), [NOON]
    session = Session(folder, lambda: clock[0])
    name, _ = session.begin(), session.begin()
    clock[0] += timedelta(minutes=59)
    session.vote(name, 0, "left", 5, None)
    session.close()
    session = Session(folder, lambda: clock[0])
    clock[0] += timedelta(minutes=2)
    assert session.raters[session.begin()].page == 1
    session.close()


@pytest.mark.parametrize("at", [None, "now", "2026-01-31T12:00:00"])
def test_lines_without_a_time_are_told(place, at):
    folder = study_of(place, plan())
    (folder / "votes.jsonl").write_text(json.dumps({"rater": "x", "number": 0, "page": 0, "at": at}) + "\n")
    with pytest.raises(PreferenceError, match="another study"):
        Session(folder)


def test_votes_of_another_study_are_not_gone_on_with(place):
    folder = study_of(place, plan())
    let_vote(folder, 2, lambda rater, item: 0)
    folder.rename(place / "before")
    folder = study_of(place, plan(), seed=1)
    (place / "before" / "votes.jsonl").rename(folder / "votes.jsonl")
    with pytest.raises(PreferenceError, match="votes of another study"):
        Session(folder)


def test_a_file_that_was_put_together_of_copies_is_gone_on_with_where_they_agree(place):
    folder = study_of(place, plan(pairs=4))
    let_vote(folder, 2, lambda rater, item: 0)
    path = folder / "votes.jsonl"
    path.write_bytes(2 * path.read_bytes())
    session = Session(folder)
    assert session.progress() == "2 raters, 2 have finished; 8 votes"
    session.close()
    last = json.loads(path.read_text().splitlines()[-1])
    path.write_text(path.read_text() + json.dumps(last | {"chosen": "b"}) + "\n")
    with pytest.raises(PreferenceError, match="gave two answers to trial 3"):
        Session(folder)
