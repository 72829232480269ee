"""Quotes of Hydra's grammar."""

import re


def quoted(text: str) -> str:
    """A text in quotes of Hydra's grammar, where backslashes count before a quote alone."""
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", text)
    return "'" + re.sub(r"(\\+)$", r"\1\1", escaped) + "'"
