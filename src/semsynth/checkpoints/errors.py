"""What is wrong with somebody's checkpoint."""

from semsynth.signatures import ConfigError


class CheckpointError(ConfigError):
    """A file that is no checkpoint that we know, or not the one that was asked for; names the file and the way out."""
