"""Fixtures of judges and images, which metrics and evaluations are tested with."""

from judging import small  # noqa: F401
