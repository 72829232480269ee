"""Strangers are refused: by the names that they use, where they come from, and what they do not know."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from semsynth.errors import ConfigError
from semsynth.serving.guard import Guard

HERE = "http://127.0.0.1:8765"
SECRET = "a_secret-of_a-link"


def answer(_):
    return PlainTextResponse("in")


def guarded(**words):
    app = Starlette(routes=[Route("/api/x", answer, methods=["GET", "POST"]), Route("/", answer)])
    return TestClient(Guard(app, **words), base_url=HERE)


@pytest.mark.parametrize(("host", "status"), [
    ("127.0.0.1:8765", 200), ("localhost:9000", 200), ("LOCALHOST", 200), ("[::1]:8765", 200), ("evil.org", 403),
    ("127.0.0.1.evil.org", 403), ("192.168.0.7:8765", 403), ("", 403), ("localhost@evil.org", 403),
    ("evil.org/localhost", 403), ("localhost:99999", 403), ("[::1", 403), ("localhost#.evil.org", 403),
    ("gpu3.lab.org", 403),
])
def test_hosts(host, status):
    assert guarded().get("/", headers={"Host": host}).status_code == status


def test_elsewhere_numbers_and_known_names_lead_here():
    page = guarded(names={"gpu3.lab.org"}, numbers=True)
    for host in ("192.168.0.7:8765", "[fe80::1]:8765", "gpu3.lab.org", "GPU3.lab.org:8765"):
        assert page.get("/", headers={"Host": host}).status_code == 200
    assert page.get("/", headers={"Host": "evil.org"}).status_code == 403


@pytest.mark.parametrize(("origin", "status"), [
    (HERE, 200), ("https://127.0.0.1:8765", 200), (None, 200), ("null", 403), ("http://evil.org", 403),
    ("http://127.0.0.1:8766", 403), ("http://localhost:8765", 403), ("", 403), ("file://", 403),
])
@pytest.mark.parametrize("path", ["/api/x", "/"])
def test_origins(origin, status, path):
    headers = {} if origin is None else {"Origin": origin}
    assert guarded().get(path, headers=headers).status_code == status


@pytest.mark.parametrize(("site", "status"), [("same-origin", 200), ("none", 200), ("cross-site", 403),
                                              ("same-site", 403)])
def test_pages_of_other_sites(site, status):
    assert guarded().get("/api/x", headers={"Sec-Fetch-Site": site}).status_code == status
    assert guarded().get("/", headers={"Sec-Fetch-Site": site}).status_code == 200  # a link from elsewhere


@pytest.mark.parametrize(("given", "status"), [
    (f"Bearer {SECRET}", 200), (None, 403), (f"Bearer {SECRET[:-1]}", 403), (f"Bearer {SECRET}s", 403), (SECRET, 403),
    ("Bearer ", 403), (f"Basic {SECRET}", 403), (f"bearer {SECRET}", 403),
])
def test_the_token(given, status):
    page = guarded(token=SECRET)
    headers = {} if given is None else {"Authorization": given}
    assert page.get("/api/x", headers=headers).status_code == status
    assert page.get(f"/api/x?token={SECRET}").status_code == 403  # addresses are kept and sent on
    assert page.get("/").status_code == 200


@pytest.mark.parametrize("token", ["", " ", 20 * " ", "short", f"{SECRET} ", f"{SECRET}\n", "ü" * 20, 20 * "\0", False,
                                   True, 0, SECRET.encode(), [SECRET]])
def test_what_is_no_secret_guards_nothing(token):
    """An empty one would be known to everybody."""
    with pytest.raises(ConfigError, match="the secret of a link is 16 or more") as told:
        guarded(token=token)
    assert SECRET not in str(told.value)


def test_headers_that_stand_twice():
    page = guarded()
    assert page.get("/", headers=[("Host", "127.0.0.1"), ("Host", "evil.org")]).status_code == 403


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("evil.org", 403)])
def test_browsers_are_told_what_pages_may_do(host, status):
    told = guarded().get("/", headers={"Host": host})
    assert told.status_code == status
    policy = told.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert told.headers["x-content-type-options"] == "nosniff"
    assert told.headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in told.headers


def test_no_sockets():
    with pytest.raises(WebSocketDisconnect), guarded().websocket_connect("/api/x"):
        pass
