"""What stops an evaluation."""


class EvaluationError(ValueError):
    """A score cannot be had from what is given; the message names the file and the way out."""
