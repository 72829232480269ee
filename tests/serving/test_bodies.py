"""Bodies of requests, within bounds."""

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from semsynth.serving.bodies import read_object


@pytest.fixture
def client():
    async def take(request):
        return JSONResponse(await read_object(request, 100))

    return TestClient(Starlette(routes=[Route("/", take, methods=["POST"])]))


def test_an_object_is_taken(client):
    assert client.post("/", json={"a": 1}).json() == {"a": 1}


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"\xff", b"[" * 99, b"null"])
def test_what_is_no_object_is_refused(client, body):
    assert client.post("/", content=body, headers={"content-type": "application/json"}).status_code == 400


def test_a_form_of_another_page_is_refused(client):
    assert client.post("/", content=b"{}", headers={"content-type": "text/plain"}).status_code == 415
    assert client.post("/", content=b"{}").status_code == 415


def test_more_than_the_bound_is_refused_also_where_no_length_is_told(client):
    def pieces():
        for _ in range(1000):
            yield b" " * 50

    json = {"content-type": "application/json"}
    assert client.post("/", content=b" " * 101, headers=json).status_code == 413
    assert client.post("/", content=pieces(), headers=json).status_code == 413
    for length in ("101", "9" * 5000, "-1", "1e9", ""):
        assert client.post("/", content=b"{}", headers=json | {"content-length": length}).status_code == 413
