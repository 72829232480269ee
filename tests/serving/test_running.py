"""A server that listens."""

import socket

import pytest

from semsynth.errors import ServingError
from semsynth.serving.running import bound


def test_a_port_that_is_taken_is_told():
    with bound("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        listening.listen()
        assert port > 0
        with pytest.raises(ServingError, match=f"host=127.0.0.1 port={port}: .*port=0"):
            bound("127.0.0.1", port)


@pytest.mark.parametrize("host", ["nowhere.invalid", "1.2.3.4", "a" * 70])
def test_a_host_that_is_not_this_machine_is_told(host, monkeypatch):
    def unknown(*_):
        raise socket.gaierror(-2, "Name or service not known")

    if host == "nowhere.invalid":  # no look-up on the network
        monkeypatch.setattr(socket.socket, "bind", unknown)
    with pytest.raises(ServingError, match=f"host={host}"):
        bound(host, 0)
