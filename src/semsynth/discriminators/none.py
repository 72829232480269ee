"""No discriminator."""


def no_discriminator() -> None:
    """None: the generator is trained without one, by `system=regression`."""
