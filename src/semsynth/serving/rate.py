"""How often something may happen, whoever asks for it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable


class Rate:
    """At most `most` times within `seconds`.

    Args:
        most: Times.
        seconds: Of the window.
        clock: Seconds that never go back.
    """

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.most, self.seconds, self.clock = most, seconds, clock
        self._times: deque[float] = deque()

    def admit(self) -> bool:
        """Whether it may happen once more now; counts it then."""
        now = self.clock()
        while self._times and self._times[0] <= now - self.seconds:
            self._times.popleft()
        if len(self._times) >= self.most:
            return False
        self._times.append(now)
        return True
