"""Commands in processes of their own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence


def call(command: Sequence[str]) -> int:
    """Run a command and return its exit code. A signal to end is passed on, and the command's end awaited.

    Args:
        command: Its name and its arguments.

    Raises:
        KeyboardInterrupt: such a signal came.
    """
    asked: list[int] = []
    with subprocess.Popen([sys.executable, "-m", "semsynth", *command]) as child:
        def pass_on(number: int, _: object) -> None:
            asked.append(number)
            if number != signal.SIGINT:  # which a terminal sends to both
                child.send_signal(number)

        before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            code = child.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    if asked:
        raise KeyboardInterrupt
    return code
