"""Who asks nothing, or for too much, makes room for others."""

import socket
import sys
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


def status(place, path="/", source="127.0.0.1"):
    page = HTTPConnection(*place, timeout=10, source_address=(source, 0))
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


def opened(place, source, count):
    return [socket.create_connection(place, timeout=10, source_address=(source, 0)) for _ in range(count)]


def received(connection):
    """All of it, until the server closes."""
    return b"".join(iter(lambda: connection.recv(2**16), b""))


peers = pytest.mark.skipif(sys.platform != "linux", reason="needs 127.0.0.2 and so on as addresses of this machine")


@peers
def test_one_peer_leaves_half_of_the_connections_to_others():
    with served(9) as place:
        silent = opened(place, "127.0.0.2", 20)
        assert status(place, source="127.0.0.3") == status(place) == 200
        for each in silent[4:]:
            told = received(each)
            assert told.startswith(b"HTTP/1.1 503 ")
            assert b"too many connections" in told
        for each in silent[:4]:
            each.sendall(ASKED)
            assert each.recv(2**16).startswith(b"HTTP/1.1 200 ")
        silent += opened(place, "127.0.0.2", 1)
        assert received(silent[-1]).startswith(b"HTTP/1.1 503 ")
        for each in silent:
            each.close()


@peers
def test_several_greedy_peers_leave_room_for_one_more():
    with served(33) as place:
        silent = [each for number in (2, 3, 4) for each in opened(place, f"127.0.0.{number}", 40)]
        assert status(place, source="127.0.0.5") == 200
        for each in silent:
            each.close()


def test_this_machine_has_all_connections():
    """A proxy or a tunnel asks from here, for however many people."""
    with served(9) as place:
        pages = opened(place, "127.0.0.1", 8)
        for each in pages:
            each.sendall(ASKED)
        assert [each.recv(2**16)[:12] for each in pages] == 8 * [b"HTTP/1.1 200"]
        for each in pages:
            each.close()


@pytest.mark.parametrize(("first", "second", "same"), [
    ("192.0.2.1", "192.0.2.1", True), ("192.0.2.1", "192.0.2.2", False), ("2001:db8::1", "2001:db8::ffff:0:0:1", True),
    ("2001:db8::1", "2001:db8:0:1::1", False), ("fe80::1%eth0", "fe80::2%eth0", True), ("::2", "0.0.0.0", False)])
def test_who_has_an_address(first, second, same):
    assert (connections.peer(first) == connections.peer(second)) is same
