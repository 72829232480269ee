"""The commands, a file each: what is typed after `semsynth`, and what the scripts of the source tree start."""

import sys
from types import TracebackType


def _stopped(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell of Ctrl-C while a command is still imported as `semsynth.cli` does later; of all else as Python does."""
    if issubclass(kind, KeyboardInterrupt):
        print("stopped", file=sys.stderr, flush=True)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _stopped
