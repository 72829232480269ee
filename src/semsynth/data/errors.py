"""The one exception for anything wrong with the files of a data set."""


class DataError(ValueError):
    """The data on disk is not what its reader expects; the message names the file and the way out."""
