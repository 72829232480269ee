"""How often a grid of few pixels is doubled to a picture."""


def doublings(size: tuple[int, int]) -> int:
    """From 4 pixels, or up to 7, on the shorter side of a picture (H, W); at least once, at most six times.

    >>> doublings((256, 512)), doublings((64, 64)), doublings((1024, 1024))
    (6, 4, 6)
    """
    return max(1, min(6, int(min(size)).bit_length() - 3))
