"""What the page asks of the server, what it is told, and what nobody can get out of it."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from raters import NOON, plan, study_of, write_folders
from starlette.testclient import TestClient

from semsynth.errors import WritingError
from semsynth.preference.app import NEW_RATERS, make_app
from semsynth.preference.session import Session
from semsynth.preference.votes import read_votes
from semsynth.serving.guard import Guard

HERE = "http://127.0.0.1:8765"


@pytest.fixture
def session(tmp_path):
    opened = Session(study_of(write_folders(tmp_path), plan(show_map=True, sentinels=2), title="Gardens"), lambda: NOON)
    yield opened
    opened.close()


@pytest.fixture
def client(session):
    return TestClient(Guard(make_app(session)), base_url=HERE, raise_server_exceptions=False)


def begin(client):
    return client.post("/api/raters", json={}).json()["rater"]


def vote(client, rater, trial, side="left", **words):
    return client.post(f"/api/raters/{rater}/votes",
                       json={"trial": trial, "side": side, "ms": 10, "shown_ms": None} | words)


def test_a_whole_study(client, session):
    assert client.get("/api/study").json() == {"question": "Which?", "of": 6, "timed": False}
    rater = begin(client)
    for trial in range(6):
        state = client.get(f"/api/raters/{rater}").json()
        assert state == {"trial": trial, "of": 6, "done": False, "time_ms": None, "map": True}
        for which in ("left", "right", "map"):
            picture = client.get(f"/api/raters/{rater}/{trial}/{which}")
            assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
            assert picture.content.startswith(b"\x89PNG")
        assert vote(client, rater, trial, "right").status_code == 200
    assert client.get(f"/api/raters/{rater}").json() == {"trial": 6, "of": 6, "done": True}
    assert len(read_votes(session.votes.path)) == 7


def test_nothing_that_is_sent_tells_the_method(client, session):
    """Neither names of methods or files, nor times of files, which follow the order in which they were drawn."""
    rater = begin(client)
    told = [client.get(path) for path in ("/", "/page.js", "/page.css", "/api/study", f"/api/raters/{rater}",
                                          f"/api/raters/{rater}/0/left", f"/api/raters/{rater}/0/right")]
    files = {file for item in session.study.items for file in (*item.files, item.map)}
    for answer in told:
        assert answer.status_code == 200
        assert not {"last-modified", "etag", "date", "content-disposition"} & {*answer.headers}
        assert answer.headers["cache-control"] == "no-store"
        words = answer.text + str(answer.headers)
        assert not re.search(r"\b(ours|theirs|sentinel|Gardens|votes\.jsonl)\b", words)
        assert not any(file in words or file.removesuffix(".png") in words for file in files)


@pytest.mark.parametrize("path", [
    "/study.json", "/votes.jsonl", "/../study.json", "/%2e%2e/study.json", "/page/../session.py", "/page.js/../app.py",
    "/api/raters/%2e%2e/0/left", "/api/raters/{}/0/..%2f..%2fstudy.json", "/api/raters/{}/0/study.json",
    "/api/raters/{}/-1/left", "/api/raters/{}/1/left", "/api/raters/{}/" + "9" * 5000 + "/left",
    "/api/raters/{}/1e3/left", "/api/raters/{}/0/left/x", "/api/raters/{}/\u0661/left", "/api/raters/nobody",
    "/api/raters/nobody/0/left", "/api/raters/" + "x" * 5000, "/pictures", "/%00", "//etc/passwd"])
def test_no_other_file_is_read(client, path):
    assert client.get(path.replace("{}", begin(client))).status_code == 404


@pytest.mark.parametrize("words", [
    {"side": "middle"}, {"side": None}, {"side": ["left"]}, {"side": {}}, {"trial": "0"}, {"trial": True},
    {"trial": -1}, {"trial": 0.0}, {"trial": 10**30}, {"ms": None}, {"ms": -5}, {"ms": 1e400}, {"shown_ms": "long"},
    {"shown_ms": []}])
def test_answers_that_are_none(client, session, words):
    rater = begin(client)
    sent = {"trial": 0, "side": "left", "ms": 10, "shown_ms": None} | words
    answer = client.post(f"/api/raters/{rater}/votes", content=json.dumps(sent),
                         headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert len(session.votes.records) == 1


def test_answers_that_cannot_be(client):
    rater = begin(client)
    assert vote(client, rater, 1).status_code == 409
    assert vote(client, rater, 0).status_code == 200
    assert vote(client, rater, 0).status_code == 200  # sent twice
    assert vote(client, rater, 0, "right").status_code == 409
    assert vote(client, "nobody", 0).status_code == 404


def test_too_much_or_of_another_type(client):
    rater = begin(client)
    path, json_type = f"/api/raters/{rater}/votes", {"content-type": "application/json"}
    assert client.post(path, content=b"[" + b" " * 2000 + b"]", headers=json_type).status_code == 413
    assert client.post(path, content=b"trial=0&side=left").status_code == 415  # a form of another page
    assert client.post("/api/raters", content=b"", headers=json_type).status_code == 400
    assert client.get(path).status_code == 405
    assert client.delete(f"/api/raters/{rater}").status_code == 405


def test_another_page_cannot_vote(client, session):
    rater = begin(client)
    stranger = {"origin": "https://evil.example"}
    assert client.post(f"/api/raters/{rater}/votes", json={"trial": 0, "side": "left", "ms": 1, "shown_ms": None},
                       headers=stranger).status_code == 403
    assert len(session.votes.records) == 1


def test_a_flood_of_raters_ends(client, session):
    codes = [client.post("/api/raters", json={}).status_code for _ in range(NEW_RATERS + 5)]
    assert codes == [201] * NEW_RATERS + [429] * 5
    assert len(session.votes.records) == NEW_RATERS


def test_votes_at_once_are_one(client, session):
    rater = begin(client)
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda side: vote(client, rater, 0, side).status_code, ["left", "right"] * 8))
    assert sorted({*codes}) == [200, 409]
    assert len(session.votes.records) == 2


def test_a_vote_that_cannot_be_kept_is_not_confirmed(client, session, monkeypatch):
    rater = begin(client)

    def full(_):
        raise WritingError("the disk is full")

    with monkeypatch.context() as during:
        during.setattr(session.votes, "append", full)
        assert vote(client, rater, 0).status_code == 507
    assert client.get(f"/api/raters/{rater}").json()["trial"] == 0
    assert vote(client, rater, 0).status_code == 200


def test_a_study_that_is_complete_takes_nobody(tmp_path):
    session = Session(study_of(write_folders(tmp_path), plan(pairs=1, raters=1)))
    client = TestClient(make_app(session), base_url=HERE)
    vote(client, begin(client), 0)
    answer = client.post("/api/raters", json={})
    assert (answer.status_code, answer.json()["error"][:22]) == (410, "The study is complete:")
    session.close()
