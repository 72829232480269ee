"""What a study cannot be made of."""


class StudyError(ValueError):
    """A study's file that says something wrong, or words that it does not take; names them and the way out."""
