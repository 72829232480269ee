"""What a report cannot be made of."""


class ReportError(ValueError):
    """A file that cannot be read, or nothing to compare; the message names it and the way out."""
