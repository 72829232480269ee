"""What stops the use of a network that was trained elsewhere."""


class BackboneError(ValueError):
    """A network's weights cannot be had, or are not its own; the message says how to get them."""
