"""Serving a study: where its page is, and who may reach it."""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from semsynth.errors import ServingError
from semsynth.preference.app import POLICY, make_app
from semsynth.preference.session import Session, describe
from semsynth.serving.guard import Guard, is_local, known_hosts
from semsynth.serving.running import bound, run

TOKEN = "link"  # file of the secret part of the link, which stays the same when the server is started again


def serve_study(folder: Path, host: str = "127.0.0.1", port: int = 8000, hosts: Sequence[str] = (),
                ready: Callable[[str], None] = lambda link: None) -> None:
    """Serve a study until Ctrl-C or SIGTERM, and say where.

    Args:
        folder: The study's.
        host: Address to listen at. Any but this machine's own gets a secret part in the link.
        port: 0: one that is free.
        hosts: Names by which it is reached from elsewhere.
        ready: Called with the first link when requests are taken.

    Raises:
        PreferenceError: see `Session`.
        ServingError: it cannot listen there, or nobody could reach it.
    """
    if _is_any(host) and not hosts:
        raise ServingError(f"host={host} needs hosts=[NAME:{port}], the name or address by which raters reach this "
                           "machine: requests that name another are refused")
    session = Session(folder)
    try:
        with bound(host, port) as listening:
            port = listening.getsockname()[1]
            token = None if is_local(host) and not hosts else secret(folder / TOKEN)
            links = links_of(host, port, hosts, token)

            def tell() -> None:
                print(f"{describe(session.study)['of']} pairs for each rater; {session.progress()}",
                      f"votes: {session.votes.path}",
                      f"link for raters: {' or '.join(links)}", "Ctrl-C ends it; the same command goes on", sep="\n",
                      flush=True)
                ready(links[0])

            run(Guard(make_app(session), known_hosts(host, port, hosts), token, POLICY), listening, tell)
        print(session.progress(), flush=True)
    finally:
        session.close()


def links_of(host: str, port: int, hosts: Sequence[str], token: str | None) -> list[str]:
    """Where raters begin. A name without a port is one of a proxy, which is taken to speak HTTPS."""
    root = "/" if token is None else f"/{token}/"
    own = [] if _is_any(host) else [f"{f'[{host}]' if ':' in host else host}:{port}"]
    return [f"{'http' if ':' in name else 'https'}://{name}{root}" for name in (*hosts, *own)]


def secret(path: Path) -> str:
    """The secret part of the link; made where the file is missing, readable for its owner alone.

    Raises:
        ServingError: the file holds something else.
    """
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24) + "\n")
    except FileExistsError:
        pass
    token = path.read_text().strip()
    if len(token) < 16 or not token.replace("-", "").replace("_", "").isalnum():
        raise ServingError(f"{path} does not hold the secret part of a link: remove it, a new one is made")
    return token


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
