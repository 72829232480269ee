"""Who may ask: pages of this server alone, by its own names, with its token where there is one."""

from __future__ import annotations

import hmac
import ipaddress
import json
import re
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from semsynth.errors import ConfigError

POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
OWN = ("127.0.0.1", "localhost", "::1")
SECRET = re.compile(r"[A-Za-z0-9_-]{16,}")


def is_secret(token: Any) -> bool:
    """Whether a token is one that nobody guesses, and that a link can hold."""
    return isinstance(token, str) and SECRET.fullmatch(token) is not None


class Guard:
    """Wraps an application: refuses strangers with 403 in words, and tells browsers what its pages may do.

    Names in the Host header are checked, so that no other site can have its own name lead here (DNS rebinding); numbers
    cannot be led elsewhere. Requests that a browser sends for pages of others are refused by Origin and Sec-Fetch-Site.

    Args:
        app: What is guarded.
        names: Names of this server, in lower case, beside those of every machine for itself.
        numbers: Whether it is reached by any number.
        token: The secret that all below `/api/` asks for; None, and nothing else: none.

    Raises:
        ConfigError: the token is no secret.
    """

    def __init__(self, app: ASGIApp, names: Collection[str] = (), *, numbers: bool = False,
                 token: str | None = None) -> None:
        if token is not None and not is_secret(token):
            raise ConfigError("the secret of a link is 16 or more of the signs A-Z, a-z, 0-9, - and _, or None where "
                              f"none is asked for; this {type(token).__name__} is neither")
        self.app, self.names, self.numbers, self.token = app, {*OWN, *names}, numbers, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may be asked."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *HEADERS]
            await send(message)

        words = self._refusal(scope)
        if words is None:
            await self.app(scope, receive, sent)
        else:
            body = json.dumps({"error": words}).encode()
            await sent({"type": "http.response.start", "status": 403, "headers": [
                (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]})
            await sent({"type": "http.response.body", "body": body})

    def _refusal(self, scope: Scope) -> str | None:
        """What is wrong with a request."""
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        if any(len(headers.get(name, [])) > 1 for name in ("host", "origin", "authorization")):
            return "a header stands twice"
        host = headers.get("host", [""])[0]
        if not self._known(host):
            return "this server is not known by that name: the command that started it can be told it"
        origin = headers.get("origin", [None])[0]
        if origin is not None and origin.lower() not in (f"http://{host.lower()}", f"https://{host.lower()}"):
            return "a page of another origin asks"
        if not scope["path"].startswith("/api/"):
            return None
        if headers.get("sec-fetch-site", ["same-origin"])[0] not in ("same-origin", "none"):
            return "a page of another site asks"
        given = headers.get("authorization", [""])[0].encode()
        if self.token is not None and not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
            return "the token is missing or wrong: open the whole link, as it was printed"
        return None

    def _known(self, host: str) -> bool:
        try:
            parts = urlsplit(f"//{host}")
            name, _ = parts.hostname or "", parts.port
        except ValueError:
            return False
        if not name or parts.path or parts.query or parts.fragment or "@" in host:
            return False
        if name in self.names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return self.numbers
