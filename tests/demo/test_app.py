"""What the page asks, and what it is answered; and what others send."""

import asyncio
import io
import json
import re

import numpy as np
import pytest
from asking import BYTES, client, painted, picture, send, studio
from PIL import Image
from starlette.exceptions import HTTPException
from starlette.requests import Request

from semsynth import Synthesizer
from semsynth.demo.limits import Limits
from semsynth.demo.requests import asked
from semsynth.pictures.grid import to_uint8

SEED = {"page": "a", "network": 0, "style": {"seed": 7}}
SMALL = Limits(upload=5000, head=3000, pixels=10_000, seconds=0.3)


@pytest.fixture(scope="module")
def run(tiny_run):
    return tiny_run(z_dim=3)


@pytest.fixture(scope="module")
def made(run):
    return studio(run)


@pytest.fixture
def page(made):
    return client(made, limits=SMALL)


def png(array, **words):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG", **words)
    return file.getvalue()


def test_what_is_painted(page, run):
    told = page.get("/api/description").json()
    assert (told["width"], told["height"], told["blank"]) == (32, 32, 0)
    assert told["classes"][3] == {"name": "grass", "colour": [120, 0, 255], "id": 3}
    assert told["networks"] == [{"name": run.name, "styled": True, "encodes": True, "regions": False,
                                 "instances": False}]


def test_the_picture_is_the_synthesizers(page, run):
    labels = painted()
    wanted = to_uint8(Synthesizer.from_run(run)(labels[None], seed=7)[0].numpy())
    got = picture(send(page, "draw", SEED | {"turn": 1}, labels.tobytes()))
    assert np.array_equal(got, wanted)
    other = picture(send(page, "draw", SEED | {"turn": 2, "style": {"seed": 8}}, labels.tobytes()))
    assert not np.array_equal(got, other)


def test_an_older_stroke_is_not_drawn(page):
    labels = painted().tobytes()
    assert send(page, "draw", SEED | {"turn": 5}, labels).status_code == 200
    assert send(page, "draw", SEED | {"turn": 4}, labels).status_code == 409
    assert send(page, "draw", SEED | {"turn": 4, "page": "b"}, labels).status_code == 200


def test_the_style_of_a_photograph(page, run):
    photo = np.random.default_rng(0).integers(0, 256, (40, 50, 3)).astype(np.uint8)
    answer = send(page, "style", SEED | {"turn": 1}, painted().tobytes() + png(photo[:20, :20]))
    assert answer.status_code == 200, answer.text
    synthesizer = Synthesizer.from_run(run)
    wanted = synthesizer(painted()[None], style=Image.fromarray(photo[:20, :20]))
    got = picture(send(page, "draw", SEED | {"turn": 2, "style": answer.json()}, painted().tobytes()))
    assert np.array_equal(got, to_uint8(wanted[0].numpy()))


@pytest.mark.parametrize("kind", ["ids", "palette", "colours", "larger"])
def test_masks_are_read(page, made, kind):
    labels = painted()
    colours = np.array(made.painters[0].synthesizer.colours, np.uint8)
    if kind == "ids":
        content = png(labels)
    elif kind == "palette":
        image = Image.fromarray(labels)
        image.putpalette(colours.tobytes())
        image.save(file := io.BytesIO(), "PNG")
        content = file.getvalue()
    else:
        content = png(np.kron(colours[labels], np.ones((2, 2, 1), np.uint8)) if kind == "larger" else colours[labels])
    answer = send(page, "mask", {"page": "a", "turn": 1, "name": "mine.png"}, content)
    assert np.array_equal(np.frombuffer(answer.content, np.uint8).reshape(32, 32), labels)


@pytest.mark.parametrize(("content", "words"), [
    (b"", "no picture"), (b"GIF89a" + bytes(50), "mine.png"), (png(np.full((9, 9), 77, np.uint8)), "label id 77"),
    (png(np.zeros((101, 100), np.uint8)), "at most 0 megapixels"), (bytes(6000), None),
    (png(np.full((4, 4, 3), 200, np.uint8)), "mine.png"),
])
def test_what_is_no_mask(page, content, words):
    answer = send(page, "mask", {"page": "a", "turn": 1, "name": "mine.png"}, content)
    assert answer.status_code == (413 if words is None else 400)
    told = answer.json()["error"]
    assert words is None or words in told
    assert not re.search(r"/tmp|=|yaml|dataset", told)


def test_names_are_shown_only_as_they_can_be(page):
    answer = send(page, "mask", {"page": "a", "turn": 1, "name": "\x1b[31m<b>" + 500 * "x"}, b"none")
    assert answer.json()["error"].startswith("[31m<b>xxx")
    assert len(answer.json()["error"]) < 250


@pytest.mark.parametrize("path", [
    "/..%2f..%2fpyproject.toml", "/%2e%2e/app.py", "/app.py", "/page", "/engine.js%00", "/../app.py", "//etc/passwd",
    "/page/index.html", "/.gitignore", "/main.js/", "/api/../app.py", "/api", "/api/", "/api/starts/-1",
    "/api/starts/999999", "/api/starts/0/photo", "/api/starts/%2e%2e", "/index.html.bak",
])
def test_no_file_but_the_pages_own(page, path):
    assert page.get(path).status_code in (403, 404)


@pytest.mark.parametrize("name", ["", "index.html", "main.js", "engine.js", "style.css", "icon.svg"])
def test_the_pages_own_files(page, name):
    answer = page.get(f"/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(("text/", "image/svg"))


@pytest.mark.parametrize("change", [
    {"network": 1}, {"network": -1}, {"network": "0"}, {"network": True}, {"network": None}, {"turn": 1.5},
    {"turn": 2**53}, {"turn": -1}, {"page": 7}, {"page": None},
    {"style": None}, {"style": []}, {"style": {}}, {"style": {"seed": -1}}, {"style": {"seed": 2**63}},
    {"style": {"seed": "7"}}, {"style": {"seed": True}}, {"style": {"codes": {}}}, {"style": {"codes": {"noise": 1}}},
    {"style": {"codes": {"vector": {"shape": [1, 4], "data": ""}}}},
    {"style": {"codes": {"vector": {"shape": [1, 3], "data": "AAAA"}}}},
    {"style": {"codes": {"vector": {"shape": [1, 3], "data": "AADAfwAAwH8AAMB/"}}}},
    {"style": {"between": [{"seed": 1}], "share": 0.5}}, {"style": {"between": [{"seed": 1}] * 2, "share": 2}},
    {"style": {"between": [{"seed": 1}] * 2, "share": float("nan")}},
    {"style": {"base": {"seed": 1}, "classes": {"0": {"seed": 1}}}},
])
def test_words_that_are_none(page, change):
    answer = send(page, "draw", SEED | {"turn": 1} | change, painted().tobytes())
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_style_that_never_ends(page):
    style = {"seed": 1}
    for _ in range(40):
        style = {"between": [style, {"seed": 2}], "share": 0.5}
    assert send(page, "draw", SEED | {"turn": 1, "style": style}, painted().tobytes()).status_code == 400


@pytest.mark.parametrize("content", [b"", bytes(1023), bytes(1025), bytes([5]) * 1024, bytes([255]) * 1024])
def test_maps_that_are_none(page, content):
    assert send(page, "draw", SEED | {"turn": 1}, content).status_code in (400, 413)


@pytest.mark.parametrize("body", [b"", b"\n", b"[]\n", b"{", b"{}\n", b"\xff\n", b'{"a":\n', b"[" * 2500 + b"\n",
                                  b'{"seed":' + b"9" * 2800 + b"}\n"])
def test_bodies_that_are_none(page, body):
    assert page.post("/api/draw", content=body, headers=BYTES).status_code == 400


def test_what_is_too_large_is_not_read(page):
    def flood():
        yield from (bytes(1000) for _ in range(1000))

    assert page.post("/api/mask", content=flood(), headers=BYTES).status_code == 413
    claimed = BYTES | {"Content-Length": "9" * 30}
    assert page.post("/api/draw", content=b"{}\n", headers=claimed).status_code == 413
    head = json.dumps(SEED | {"turn": 1, "more": 4000 * "x"})
    assert page.post("/api/mask", content=head.encode() + b"\n", headers=BYTES).status_code == 413


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
def test_other_types_are_not_read(page, kind):
    assert page.post("/api/draw", content=b"{}\n", headers={"Content-Type": kind}).status_code == 415


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/draw"), ("PUT", "/api/mask"), ("DELETE", "/"),
                                              ("POST", "/"), ("OPTIONS", "/api/draw"), ("POST", "/api/description")])
def test_other_methods_are_refused(page, method, path):
    assert page.request(method, path).status_code == 405


def test_what_fails_is_told_without_its_inside(page, made, monkeypatch, caplog):
    monkeypatch.setattr(type(made.painters[0]), "draw", lambda *_: 1 / 0)
    answer = send(page, "draw", SEED | {"turn": 1}, painted().tobytes())
    assert answer.status_code == 500
    assert "division" not in answer.text
    assert "division" in caplog.text


def test_a_flood_is_told_to_wait(made):
    full = client(made, limits=Limits(waiting=0))
    answer = send(full, "draw", SEED | {"turn": 1}, painted().tobytes())
    assert answer.status_code == 503
    assert "try again" in answer.json()["error"]


def test_what_never_arrives_is_not_waited_for():
    async def receive():
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b" ", "more_body": True}

    kind = (b"content-type", BYTES["Content-Type"].encode())
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [kind]}
    with pytest.raises(HTTPException) as refused:
        asyncio.run(asked(Request(scope, receive), Limits(seconds=0.2), 10))
    assert refused.value.status_code == 408
