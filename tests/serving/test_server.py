"""Where the server listens, what its link says, and that it answers over a real connection."""

import socket
import threading
import time
from http.client import HTTPConnection

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from semsynth.errors import ConfigError
from semsynth.serving.server import configured, guarded, is_own, link, listening


@pytest.mark.parametrize(("host", "own"), [
    ("127.0.0.1", True), ("localhost", True), ("::1", True), ("127.9.9.9", True), ("0.0.0.0", False), ("::", False),
    ("192.168.0.7", False), ("gpu3.lab.org", False),
])
def test_others_need_the_secret_of_the_link(host, own):
    assert is_own(host) is own
    assert (guarded(None, host, [], "auto").token is None) is own
    app = guarded(None, host, ["Named.org"], "auto")
    assert app.token  # a proxy, which others can reach
    assert app.numbers is not own
    assert "named.org" in app.names
    assert host in app.names
    assert guarded(None, host, [], True).token
    assert guarded(None, host, [], False).token is None


@pytest.mark.parametrize("token", ["", " ", "true", "AUTO", "none", "a secret of my own", None, 0, 1, 1.0, [], b"auto"])
def test_what_does_not_say_whether_there_is_a_secret_is_refused(token):
    """It must not be taken for none."""
    for host in ("127.0.0.1", "0.0.0.0"):
        with pytest.raises(ConfigError, match="token=.* must be auto, true or false"):
            guarded(None, host, [], token)


def test_the_secret_may_be_one_that_was_there():
    assert guarded(None, "0.0.0.0", [], "auto", lambda: "0123456789abcdef").token == "0123456789abcdef"
    with pytest.raises(ConfigError, match="the secret of a link"):
        guarded(None, "0.0.0.0", [], "auto", lambda: "")
    assert guarded(None, "127.0.0.1", [], "auto", lambda: 1 / 0).token is None  # none is made


def test_the_link_is_answered_where_it_leads():
    """Also at another of this machine's own numbers."""
    routes = [Route("/", lambda _: PlainTextResponse("in"))]
    where = link("127.0.0.2", 8765, None)
    assert TestClient(guarded(Starlette(routes=routes), "127.0.0.2", [], "auto"), base_url=where).get("/").text == "in"


def test_secrets_are_long_and_new():
    secrets = {guarded(None, "0.0.0.0", [], "auto").token for _ in range(20)}
    assert len(secrets) == 20
    assert min(map(len, secrets)) >= 32


def test_links():
    assert link("127.0.0.1", 8765, None) == "http://127.0.0.1:8765/"
    assert link("::1", 80, "abc") == "http://[::1]:80/#token=abc"
    assert "0.0.0.0" not in link("0.0.0.0", 8765, "abc")


@pytest.mark.parametrize("host", ["999.1.1.1", "192.0.2.1"])  # no address; none of this machine, kept for examples
def test_an_address_that_is_not_of_this_machine(host):
    with pytest.raises(ConfigError, match=f"host={host} port=0: .*: give an address of this machine"):
        listening(host, 0)


def test_answers_wait_for_no_acknowledgement():
    with listening("127.0.0.1", 0) as place, socket.create_connection(place.getsockname()):
        connection, _ = place.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_over_a_connection():
    routes = [Route("/", lambda _: PlainTextResponse("in"))]
    with listening("127.0.0.1", 0) as place:
        server = uvicorn.Server(configured(guarded(Starlette(routes=routes), "127.0.0.1", [], "auto"), 8))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            for host, status in ((f"127.0.0.1:{place.getsockname()[1]}", 200), ("evil.org", 403)):
                page = HTTPConnection("127.0.0.1", place.getsockname()[1], timeout=10)
                page.request("GET", "/", headers={"Host": host})
                answer = page.getresponse()
                assert answer.status == status
                assert answer.getheader("server") is None
                answer.read()
                page.close()
        finally:
            server.should_exit = True
            thread.join()
