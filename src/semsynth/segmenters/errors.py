"""What is wrong with a segmenter, its weights or its images."""


class SegmenterError(ValueError):
    """Weights, classes or images that a segmenter cannot work with; the message names the file and the way out."""
