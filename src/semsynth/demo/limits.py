"""What a request may ask of the server at most."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds on what anybody may send.

    Attributes:
        upload: Bytes of a mask or a photograph.
        head: Bytes of the words before it, which hold styles.
        pixels: Of an uploaded picture, before it is decoded.
        seconds: That a request may take to arrive.
        waiting: Requests that wait for the model; each page has one of a kind.
        pages: Pages whose newest stroke is remembered.
        starts: Maps of a data set to begin with.
        connections: At a time.
    """

    upload: int = 24 * 2**20
    head: int = 4 * 2**20
    pixels: int = 32_000_000
    seconds: float = 30.0
    waiting: int = 8
    pages: int = 256
    starts: int = 512
    connections: int = 128
