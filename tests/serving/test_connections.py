"""Who asks nothing makes room for others."""

import socket
import threading
import time
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from semsynth.serving import connections
from semsynth.serving.guard import Guard
from semsynth.serving.server import configured, listening

SECONDS = 0.4
ASKED = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def slow(_):
    time.sleep(2 * SECONDS)
    return PlainTextResponse("in")


@contextmanager
def served(most):
    app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("in")), Route("/slow", slow)])
    with listening("127.0.0.1", 0) as place:
        server = uvicorn.Server(configured(Guard(app), most))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield place.getsockname()
        finally:
            server.should_exit = True
            thread.join()


def status(place, path="/"):
    page = HTTPConnection(*place, timeout=10)
    page.request("GET", path)
    answer = page.getresponse()
    answer.read()
    page.close()
    return answer.status


@pytest.mark.parametrize("sent", [b"", ASKED[:20], ASKED + ASKED[:20]])
def test_silent_connections_do_not_lock_others_out(sent, monkeypatch):
    """None at all, part of a first request, and part of a second one."""
    monkeypatch.setattr(connections, "SECONDS", SECONDS)
    with served(5) as place:
        silent = [socket.create_connection(place, timeout=10) for _ in range(4)]
        for each in silent:
            each.sendall(sent)
        time.sleep(0.1)
        assert status(place) == 503
        for each in silent:
            while each.recv(2**16):  # until the server closes it
                pass
            each.close()
        assert status(place) == 200


def test_an_answer_may_take_longer(monkeypatch):
    monkeypatch.setattr(connections, "SECONDS", SECONDS)
    with served(4) as place:
        assert status(place, "/slow") == 200
