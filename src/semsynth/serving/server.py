"""The server: its address, its link."""

from __future__ import annotations

import errno
import ipaddress
import secrets
import socket
from collections.abc import Callable, Sequence
from typing import Any

import uvicorn

from semsynth.errors import ConfigError
from semsynth.serving.connections import Connection
from semsynth.serving.guard import Guard


def is_own(host: str) -> bool:
    """Whether nobody else can reach an address: this machine's for itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listening(host: str, port: int) -> socket.socket:
    """A socket at an address, whose connections send what there is at once.

    Else the end of an answer waits 40 ms until its beginning is acknowledged.

    Raises:
        ConfigError: the address is not this machine's, or taken.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        place = socket.create_server((host, port), family=family)
        place.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return place
    except OSError as error:
        why = f"host={host} port={port}: {error.strerror or error}"
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise ConfigError(f"{why}: give an address of this machine, as host=127.0.0.1 for it alone or host=0.0.0.0 "
                              "for others in the network") from None
        raise ConfigError(f"{why}: take another port, or port=0 for any that is free") from None


def new_secret() -> str:
    """The secret part of a link."""
    return secrets.token_urlsafe(24)


def guarded(app: Any, host: str, names: Sequence[str], token: bool | str, secret: Callable[[], str] = new_secret
            ) -> Guard:
    """An application that answers only to those who may ask at an address.

    Args:
        app: What is guarded.
        host: Where it listens.
        names: Further names of it, as behind a proxy.
        token: Whether a secret is asked for; `auto`: where others can reach it, by the address or by a further name.
        secret: Called for it where it is.

    Raises:
        ConfigError: the token is something else, or what was called gave no secret.
    """
    if not isinstance(token, bool) and not (isinstance(token, str) and token == "auto"):
        raise ConfigError(f"token={token!r:.100} must be auto, true or false: the secret itself is made for you, and "
                          "stands in the link that is printed")
    own = is_own(host)
    asked = bool(names) or not own if token == "auto" else token
    known = {host.lower(), *(name.lower() for name in names)}
    if not own:
        known |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    return Guard(app, known, numbers=not own, token=secret() if asked else None)


def link(host: str, port: int, token: str | None) -> str:
    """What to open; the token stands where browsers send it to nobody."""
    any_address = host in ("0.0.0.0", "::")
    name = socket.gethostname() if any_address else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"#token={token}" if token else "")


def configured(app: Guard, connections: int) -> uvicorn.Config:
    """How the server listens: within bounds, also of the connections at a time, and silent about itself."""
    return uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, ws="none", lifespan="off",
                          timeout_keep_alive=5, limit_concurrency=connections,
                          h11_max_incomplete_event_size=2**16, http=Connection, timeout_graceful_shutdown=2)


def serve(app: Guard, place: socket.socket, connections: int) -> None:
    """Answer until Ctrl-C."""
    uvicorn.Server(configured(app, connections)).run(sockets=[place])
