"""A preference study as a rater sees it, served by the command itself."""

import os
import re
import signal
import subprocess
import sys

import pytest
from commands import ROOT
from raters import plan, study_of, write_folders

from semsynth.preference.analysis import analyse
from semsynth.preference.study import read_study
from semsynth.preference.votes import read_votes

LINK = re.compile(r"link for raters: (\S+)")
REDNESS = """image => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, 1, 1);
  const [red, , blue] = context.getImageData(0, 0, 1, 1).data;
  return red - blue;
}"""
SEEN = """() => [...document.querySelectorAll("#pair img")].map(image => getComputedStyle(image).visibility)"""


class Server:
    """The command, in a process of its own."""

    def __init__(self, study, *words):
        self.words = [f"study={study}", *words]
        self.process, self.link = None, None

    def start(self, port=0):
        """Begin, and wait until it says where."""
        command = [sys.executable, ROOT / "tools" / "preference.py", "serve", *self.words, f"port={port}"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                                        env=os.environ | {"PYTHONUNBUFFERED": "1"})
        for line in self.process.stdout:
            if found := LINK.match(line):
                self.link = found[1]
                return self
        raise AssertionError("it did not start")

    @property
    def port(self):
        return re.search(r":(\d+)/", self.link)[1]

    def end(self, how=signal.SIGTERM):
        """End it, and wait until it has."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process.stdout.close()
        self.process = None


@pytest.fixture
def serve(tmp_path):
    """serve(layout, *words) -> a server of a study in `tmp_path/study`, whose pictures of `a` are red, of `b` blue."""
    started = []

    def make(layout, *words):
        started.append(Server(study_of(write_folders(tmp_path, size=(48, 64)), layout), *words))
        return started[-1].start()

    yield make
    for server in started:
        server.end()


def begin(page, link):
    page.goto(link)
    page.get_by_role("button", name="Begin").click()


def at_pair(page, number, of):
    page.get_by_text(f"Pair {number} of {of}", exact=True).wait_for()
    page.wait_for_function("""() => document.getElementById("left").getAttribute("aria-disabled") === "false" """)


def side_of_red(page):
    left, right = (page.locator(f"#{side} img").evaluate(REDNESS) for side in ("left", "right"))
    assert (left > 50) != (right > 50)
    return "left" if left > right else "right"


def other(side):
    return {"left": "right", "right": "left"}[side]


def test_a_whole_study_of_ten_pairs(page, new_page, serve, tmp_path):
    """By keys and by clicks, through a killed server and a closed page; what was seen is what is counted."""
    server = serve(plan(pairs=10))
    begin(page, server.link)
    for number in range(1, 11):
        at_pair(page, number, 10)
        side = side_of_red(page)
        side = other(side) if number in (3, 7) else side
        if number == 5:
            server.end(signal.SIGKILL)
        if number % 2:
            page.keyboard.press({"left": "ArrowLeft", "right": "ArrowRight"}[side])
        else:
            page.get_by_role("button", name=f"the {side} picture").click()
        if number == 5:
            page.get_by_text("The server does not answer. Nothing is lost").wait_for()
            server.start(server.port)
            at_pair(page, 6, 10)
            new_page.errors.clear()  # of the connections that were refused
        if number == 8:
            page.reload()
    page.get_by_text("All pairs are answered. Thank you!").wait_for()
    votes = read_votes(tmp_path / "study" / "votes.jsonl")
    assert [vote["trial"] for vote in votes[1:]] == list(range(10))
    assert "".join(vote["chosen"] for vote in votes[1:]) == "aabaaabaaa"
    row, = analyse(read_study(tmp_path / "study"), votes).rows
    assert (row.share.chosen, row.share.votes) == (8, 10)


def test_a_key_that_is_held_answers_one_pair(page, serve):
    begin(page, serve(plan(pairs=4)).link)
    at_pair(page, 1, 4)
    for _ in range(5):
        page.keyboard.down("ArrowLeft")
        page.wait_for_timeout(100)
    at_pair(page, 2, 4)


def test_timed_pairs_are_seen_once_for_their_time(page, serve, tmp_path):
    begin(page, serve(plan(pairs=1, times=[250, 1000])).link)
    for number in (1, 2):
        button = page.get_by_role("button", name="Show these images")
        button.wait_for()
        words = button.text_content()
        assert page.evaluate(SEEN) == ["hidden", "hidden"]
        page.keyboard.press("ArrowLeft")  # nothing to answer yet
        page.keyboard.press("Enter")  # the button has the focus
        page.wait_for_function(f"() => ({SEEN})().every(how => how === 'visible')")
        assert not button.is_visible()
        at_pair(page, number, 2)
        assert page.evaluate(SEEN) == ["hidden", "hidden"]
        page.keyboard.press("ArrowRight")
        if number == 1:
            page.get_by_text("Pair 2 of 2").wait_for()
    page.get_by_text("All pairs are answered").wait_for()
    study, (_, *votes) = read_study(tmp_path / "study"), read_votes(tmp_path / "study" / "votes.jsonl")
    for vote in votes:
        assert abs(vote["shown_ms"] - study.items[vote["item"]].time_ms) <= 60
    assert words in ("Show these images (0.25 s)", "Show these images (1 s)")


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_cut_off_and_all_has_a_name(new_page, serve, width):
    page = new_page(viewport={"width": width, "height": 800})
    begin(page, serve(plan(show_map=True)).link)
    at_pair(page, 1, 4)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [page.locator(f"#{side}").bounding_box() for side in ("left", "right")]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    assert all(box["width"] >= 150 and box["height"] >= 44 and box["y"] + box["height"] <= 800 for box in boxes)
    assert page.get_by_role("img", name="The label map of both pictures").is_visible()
    assert page.get_by_role("heading", name="Which?").is_visible()
    assert page.get_by_role("progressbar", name="Pair 1 of 4").is_visible()
    assert page.get_by_role("group", name="Which?").get_by_role("button").count() == 2


def test_elsewhere_the_link_has_a_secret_that_stays(page, new_page, serve):
    server = serve(plan(), "host=0.0.0.0")
    link = f"http://127.0.0.1:{server.port}/"
    secret = server.link.partition("#")[2]
    begin(page, f"{link}#{secret}")
    at_pair(page, 1, 4)
    page.keyboard.press("ArrowLeft")
    at_pair(page, 2, 4)
    own = page.url
    assert own.endswith(f"#{secret}")
    server.end()
    server.start(server.port)
    page.goto("about:blank")
    page.goto(own)
    at_pair(page, 2, 4)
    page.goto(own.partition("#")[0])
    page.get_by_text("token").wait_for()
    assert not page.locator("#trial").is_visible()
    new_page.errors.clear()  # it was refused


def test_a_page_of_another_site_reads_nothing(page, new_page, serve, served, tmp_path):
    server = serve(plan())
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<!doctype html><title>elsewhere</title>")
    page.goto(served(tmp_path / "site"))
    for words in ("", ", {method: 'POST', body: '{}'}", ", {mode: 'no-cors', method: 'POST', body: '{}'}"):
        got = page.evaluate(f"fetch('{server.link}api/raters'{words}).then(a => a.type, () => 'refused')")
        assert got in ("refused", "opaque")
    assert read_votes(tmp_path / "study" / "votes.jsonl") == []
    new_page.errors.clear()
