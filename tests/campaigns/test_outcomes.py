"""That the campaign hears what it is there to hear: a case of every result, and the words of each."""

import os
import pickle
import socket
import sys
import time

import pytest

from campaigns.isolation import CANARY, run
from campaigns.outcomes import Case
from semsynth.errors import DataError


def refuse():
    raise DataError("train/000.png is damaged")


def leave(code):
    sys.exit(code)


def speak_and_leave():
    print("dataset.root: there is no such folder", file=sys.stderr)
    sys.exit(2)


def sent_traceback():
    raise DataError("Traceback (most recent call last): File ... DataError")


def write_canary():
    open(os.environ[CANARY], "w").close()


def unpickle():
    pickle.loads(b"cposix\nsystem\n(S'true'\ntR.")


def connect():
    socket.create_connection(("192.0.2.1", 9), timeout=0.1)


CASES = [
    ("right", refuse, "refused"), ("wrongly refused", refuse, "accepted"), ("wrongly accepted", list, "refused"),
    ("right", list, "accepted"), ("right", speak_and_leave, "refused"), ("traceback", lambda: leave(2), "refused"),
    ("right", lambda: leave(0), "accepted"), ("right", lambda: leave("no such run"), "refused"),
    ("traceback", lambda: int("x"), "refused"), ("wrongly accepted", lambda: 3, lambda value: f"{value}, not 4"),
    ("right", lambda: 4, lambda value: None), ("right", refuse, lambda value: "an oracle takes a refusal"),
    ("memory", lambda: bytearray(2**31), "refused"), ("hang", lambda: time.sleep(20), "accepted"),
    ("code", write_canary, "accepted"), ("code", unpickle, "accepted"), ("code", connect, "refused"),
    ("traceback", lambda: os.kill(os.getpid(), 15), "refused"), ("traceback", lambda: os._exit(3), "accepted"),
]


@pytest.mark.parametrize(("result", "call", "right"), CASES)
def test_what_came_of_a_case_is_heard(result, call, right):
    outcome = run("tests", Case("a case", call, right), seconds=1, megabytes=1024)
    assert outcome.result == result, outcome


def test_a_worker_that_lives_on_does_not_hold_the_answer_up():
    def fork():
        if os.fork() == 0:
            time.sleep(20)
        return 1

    assert run("tests", Case("a worker", fork, "accepted"), seconds=5).seconds < 3
