"""No style encoder."""

from __future__ import annotations


def no_encoder(z_dim: int = 0) -> None:
    """None: the generator starts from the label map instead of a style vector.

    Raises:
        ValueError: a style length is asked for without an encoder.
    """
    if z_dim:
        raise ValueError(f"encoder=none has no style vector: take encoder=style for z_dim={z_dim}")
