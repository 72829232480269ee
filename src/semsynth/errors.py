"""The errors of this package: each message names the file or the key, and the way out. Commands print it and end."""


class ConfigError(ValueError):
    """The configuration cannot work; the message names the key to change."""


class CheckpointError(ConfigError):
    """A file that is no checkpoint that we know, or not the one that was asked for; names the file and the way out."""


class TensorFileError(ValueError):
    """A file that does not hold the tensors that it should; names the file and says why."""


class DocumentError(ValueError):
    """A text that is no YAML, or too much of it; says where."""


class DownloadError(OSError):
    """A file cannot be downloaded; says why."""


class WritingError(OSError):
    """A file cannot be written: the disk is full, or the place is not to be written; names it and the way out."""


class DataError(ValueError):
    """The data on disk is not what its reader expects; the message names the file and the way out."""


class MaskError(DataError):
    """A file holds what is no label map of the classes; the message says what whoever keeps a data set can do about it.

    Attributes:
        reason: What is wrong, without the file's name and without a way out, which is another one for whoever uploads a
            mask. From another process, which hands on the message alone: the message.
    """

    def __init__(self, words: str, reason: str | None = None) -> None:
        super().__init__(words)
        self.reason = words if reason is None else reason


class UnknownColourError(MaskError):
    """A mask holds a colour of no class."""


class BackboneError(ValueError):
    """A network's weights cannot be had, or are not its own; the message says how to get them."""


class SegmenterError(ValueError):
    """Weights, classes or images that a segmenter cannot work with; the message names the file and the way out."""


class WeightsError(ValueError):
    """Pretrained weights cannot be had; the message says how to get them."""


class StyleError(ValueError):
    """A style is asked for that the network cannot take; the message says what to change."""


class FixedSizeError(ValueError):
    """A network makes images of one size; the message says what synthesize.py does about it, `reason` does not."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(f"{reason}. {advice}")
        self.reason = reason


class EvaluationError(ValueError):
    """A score cannot be had from what is given; the message names the file and the way out."""


class ToldElsewhere(RuntimeError):
    """Another process of this command has failed, and says why: this one has nothing to say."""


class CountError(ValueError):
    """A network cannot be counted; the message says what was not reached."""


class ReportError(ValueError):
    """A file that cannot be read, or nothing to compare; the message names it and the way out."""


class SendingError(RuntimeError):
    """The report could not be sent; says why."""


class StudyError(ValueError):
    """A study's file that says something wrong, or words that it does not take; names them and the way out."""


class PreferenceError(ValueError):
    """A preference study that cannot be made, served or analysed; names the file or the key and the way out."""


class TrainingStopped(RuntimeError):
    """Training cannot go on; the message says why and what to do."""


class NonFiniteError(TrainingStopped):
    """A loss or the gradients of a network became NaN or infinite."""


class LoggerError(RuntimeError):
    """A logger cannot start; the message says why and what to do."""
