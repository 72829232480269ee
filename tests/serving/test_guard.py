"""What a server must never let in."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from semsynth.serving.guard import Guard, is_local, known_hosts

HOST = "127.0.0.1:8000"


def client(token=None, names=()):
    def page(request):
        return PlainTextResponse(request.scope["root_path"])

    app = Starlette(routes=[Route("/page", page, methods=["GET", "POST"])])
    guard = Guard(app, known_hosts("127.0.0.1", 8000, names), token)
    return TestClient(guard, base_url=f"http://{HOST}")


def test_the_machine_itself_is_answered_with_the_policy():
    answer = client().get("/page")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert (answer.headers["referrer-policy"], answer.headers["x-content-type-options"]) == ("no-referrer", "nosniff")
    assert client().get("/page", headers={"host": "LOCALHOST:8000"}).status_code == 200
    assert client().get("/elsewhere").headers["x-frame-options"] == "DENY"  # refusals have it, too


@pytest.mark.parametrize("host", ["evil.example:8000", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:8000.evil.example", ""])
def test_another_name_is_refused(host):
    """Else a site could have its own name point here, and read what is answered."""
    assert client().get("/page", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9000", "http://127.0.0.1",
                                    "file://127.0.0.1:8000", "http://127.0.0.1:8000@evil.example", "http://[", ""])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_page_is_refused(origin, method):
    assert client().request(method, "/page", headers={"origin": origin}).status_code == 403


def test_what_changes_something_says_whose_page_asks():
    assert client().post("/page").status_code == 403
    assert client().post("/page", headers={"origin": f"http://{HOST}"}).status_code == 200
    assert client().post("/page", headers={"origin": "http://localhost:8000"}).status_code == 403  # another name of it


def test_several_hosts_or_origins_are_refused():
    twice = [("host", HOST), ("host", HOST)]
    assert client().get("/page", headers=twice).status_code == 421
    origins = [("origin", f"http://{HOST}"), ("origin", "https://evil.example")]
    assert client().post("/page", headers=origins).status_code == 403


def test_a_name_that_is_given_is_known():
    known = client(names=["Study.example"])
    headers = {"host": "study.example", "origin": "https://study.example"}
    assert known.post("/page", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/page", "/", "/secre/page", "/secretx/page", "/secret%00/page", "//secret/page"])
def test_without_the_token_there_is_nothing(path):
    assert client("secret").get(path).status_code == 404


def test_the_token_is_the_root():
    assert client("secret").get("/secret/page").text == "/secret"
    assert client("secret").get("/secret/nothing").status_code == 404


def test_addresses():
    assert all(map(is_local, ["127.0.0.1", "127.0.1.1", "::1", "[::1]", "localhost"]))
    assert not any(map(is_local, ["0.0.0.0", "::", "192.168.1.2", "example.org"]))
    assert known_hosts("::1", 80) >= {"[::1]:80", "localhost:80"}
