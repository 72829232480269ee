"""A server of the painting page within this process, and how the page asks it."""

import json

import numpy as np
from commands import composed
from starlette.testclient import TestClient

from semsynth.commands.demo import studio_of
from semsynth.demo.app import application
from semsynth.serving.guard import Guard

HERE = "http://127.0.0.1:8765"
BYTES = {"Content-Type": "application/octet-stream"}


def studio(run, *words, compare=None):
    return studio_of(composed("demo", "device=cpu", *words), [run, *([compare] if compare else [])])


def client(made, *, limits=None, **guard):
    return TestClient(Guard(application(made, limits), **guard), base_url=HERE)


def send(page, path, words, content=b"", **headers):
    return page.post(f"/api/{path}", content=json.dumps(words).encode() + b"\n" + content, headers=BYTES | headers)


def picture(answer, size=(32, 32)):
    assert answer.status_code == 200, answer.text
    return np.frombuffer(answer.content, np.uint8).reshape(*size, 3)


def painted(size=(32, 32)):
    """Sky, and grass below."""
    labels = np.zeros(size, np.uint8)
    labels[size[0] // 2:] = 3
    return labels
