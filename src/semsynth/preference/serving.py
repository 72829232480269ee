"""Serving a study: where its page is, and who may reach it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from semsynth.errors import PreferenceError
from semsynth.preference.app import make_app
from semsynth.preference.session import Session, describe
from semsynth.serving.guard import is_secret
from semsynth.serving.server import guarded, link, listening, new_secret, serve
from semsynth.weights.files import sync_folder

CONNECTIONS = 512  # at a time; a rater's browser keeps up to six
TOKEN = "token"  # file of the secret part of the link, which stays the same when the server is started again


def serve_study(folder: Path, host: str = "127.0.0.1", port: int = 8000, hosts: Sequence[str] = ()) -> None:
    """Serve a study until Ctrl-C, and say where.

    Args:
        folder: The study's.
        host: Address to listen at. Any but this machine's own gets a secret part in the link.
        port: 0: one that is free.
        hosts: Further names by which it is reached, as behind a proxy; with any, the link has a secret part.

    Raises:
        PreferenceError: see `Session` and `secret`.
        ConfigError: it cannot listen there.
    """
    session = Session(folder)
    try:
        guard = guarded(make_app(session), host, hosts, "auto", lambda: secret(folder / TOKEN))
        with listening(host, port) as place:
            print(f"{describe(session.study)['of']} pairs for each rater; {session.progress()}",
                  f"votes: {session.votes.path}", f"link for raters: {link(host, place.getsockname()[1], guard.token)}",
                  "Ctrl-C ends it; the same command goes on", sep="\n", flush=True)
            try:
                serve(guard, place, CONNECTIONS)
            finally:
                print(session.progress(), flush=True)
    finally:
        session.close()


def secret(path: Path) -> str:
    """The secret part of the link; made where the file is missing, readable for its owner alone.

    Raises:
        PreferenceError: the file holds something else.
    """
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{new_secret()}\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except FileExistsError:
        pass
    token = path.read_text(errors="replace").strip()
    if not is_secret(token):
        raise PreferenceError(f"{path} does not hold the secret part of a link: remove it, and a new one is made")
    return token
