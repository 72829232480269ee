"""Who may ask a small server what: hosts, origins and a token, checked before anything of a request is read."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection, Iterable
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",  # a link that holds a token goes nowhere else
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
SAFE = ("GET", "HEAD")
LOCAL = ("127.0.0.1", "localhost", "[::1]")


def is_local(host: str) -> bool:
    """Whether only this machine reaches a server that is bound to `host`, a name or an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def known_hosts(host: str, port: int, names: Iterable[str] = ()) -> set[str]:
    """What the header Host may say to a server that is bound to `host` and `port`.

    Args:
        host: Name or address; of one that means all of a machine's (0.0.0.0, ::), the names tell them.
        port: The port.
        names: Others by which it is reached, each with its port, or without where a proxy stands before it.
    """
    bracketed = f"[{host.strip('[]')}]" if ":" in host else host
    return {f"{name}:{port}".lower() for name in (*LOCAL, bracketed)} | {name.lower() for name in names}


class Guard:
    """ASGI middleware that answers by itself what the application should never see.

    A request must name a known host (else another site's name could be pointed at this machine), and one that changes
    something must come from a page of that host. With a token, the path must begin with it; it becomes the root path.
    Every answer has the policy by which a page loads and sends nothing elsewhere.

    Args:
        app: The application.
        hosts: What the header Host may say, see `known_hosts`.
        token: First part of every path; None: no token.
        policy: Content-Security-Policy.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], token: str | None = None, policy: str = POLICY) -> None:
        self.app, self.hosts, self.token = app, frozenset(hosts), token
        self.headers = {"Content-Security-Policy": policy, **HEADERS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See `starlette.types.ASGIApp`; anything but HTTP is closed."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return None

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers[name] = value
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope)) or self._enter(scope)
        answer: Any = refusal or self.app
        await answer(scope, receive, with_headers)

    def _refusal(self, method: str, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "").lower()
        if len(headers.getlist("host")) != 1 or host not in self.hosts:
            return PlainTextResponse("this server does not answer to that name\n", 421)
        origin = headers.get("origin")
        if origin is None and method in SAFE:
            return None
        if origin is None or len(headers.getlist("origin")) != 1 or not self._is_own(origin, host):
            return PlainTextResponse("only this server's own page may ask that\n", 403)
        return None

    def _is_own(self, origin: str, host: str) -> bool:
        try:
            parts = urlsplit(origin.lower())
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and parts.netloc == host

    def _enter(self, scope: Scope) -> PlainTextResponse | None:
        """Take the token off the path."""
        if self.token is None:
            return None
        first = scope["path"].removeprefix("/").partition("/")[0]
        if not hmac.compare_digest(first.encode("utf-8", "surrogatepass"), self.token.encode()):
            return PlainTextResponse("there is nothing here\n", 404)
        scope["root_path"] = f"{scope.get('root_path', '')}/{self.token}"
        return None
