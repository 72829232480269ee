"""Connections that take the place of others are closed: those on which nothing is asked, and too many of one peer."""

from __future__ import annotations

import asyncio
import ipaddress
import json

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import get_remote_addr

SECONDS = 10.0  # within which a request's head must have come, after the connection or the last answer
OWN = ("127.0.0.1", "::1")  # where this machine's browser, proxy or tunnel asks from, for any number of people
WORDS = "too many connections at once: close other pages of this server, or try again in a moment"


class Connection(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, which by itself waits for a first request, and for the rest of one, for ever.

    A peer gets another connection while it has fewer than are left for all: half of them where it is alone, and of what
    one such peer has left, the next gets half, so that there is room for others (Choudhury and Hahne, "Dynamic queue
    length thresholds for shared-memory packet switches", 1998).
    """

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Await the first request, or refuse it."""
        address = get_remote_addr(transport)
        refused = address is not None and address[0] not in OWN and self._is_full(address[0])
        super().connection_made(transport)
        if refused:
            self._refuse()
        else:
            self._wait()

    def on_response_complete(self) -> None:
        """Await the next one."""
        self._wait()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Await no more."""
        super().connection_lost(exc)
        if self._waiting is not None:
            self._waiting.cancel()

    def _is_full(self, host: str) -> bool:
        """Whether a peer has as many connections as are left; uvicorn answers one fewer than it is told."""
        if self.limit_concurrency is None:
            return False
        me = peer(host)
        mine = sum(isinstance(other, H11Protocol) and other.client is not None and peer(other.client[0]) == me
                   for other in self.connections)
        return mine >= self.limit_concurrency - 1 - len(self.connections)

    def _refuse(self) -> None:
        self.connections.discard(self)
        body = json.dumps({"error": WORDS}).encode()
        head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()),
                (b"connection", b"close")]
        for event in (h11.Response(status_code=503, headers=head, reason=b"Service Unavailable"), h11.Data(data=body),
                      h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _wait(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = self.loop.call_later(SECONDS, self._give_up)

    def _give_up(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()


def peer(host: str) -> str:
    """Who has an address: of IPv6 the network of 64 bits, all of which one machine can use.

    >>> peer("192.0.2.1"), peer("2001:db8::1:2:3:4"), peer("fe80::1%eth0")
    ('192.0.2.1', '2001:db8::', 'fe80::')
    """
    address = ipaddress.ip_address(host)
    return str(address) if address.version == 4 else str(ipaddress.IPv6Address(int(address) >> 64 << 64))
