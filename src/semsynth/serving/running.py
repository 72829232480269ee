"""Running an ASGI application by uvicorn, within bounds."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from semsynth.errors import ServingError


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0: a free one.

    Raises:
        ServingError: it cannot; names host and port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host.strip("[]"), port))
    except (OSError, OverflowError, UnicodeError) as error:
        listening.close()
        raise ServingError(f"host={host} port={port}: {getattr(error, 'strerror', None) or error}; take another port, "
                           "or port=0 for one that is free") from error
    return listening


def run(app: Any, listening: socket.socket, ready: Callable[[], None] = lambda: None, connections: int = 64) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        app: ASGI application.
        listening: From `bound`.
        ready: Called when requests are taken.
        connections: At once; more are answered with 503.
    """
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, date_header=False,
                            limit_concurrency=connections, timeout_keep_alive=15, timeout_graceful_shutdown=3,
                            h11_max_incomplete_event_size=16384, http="h11", ws="none", lifespan="off",
                            proxy_headers=False)
    Server(config).run([listening])
