# SPDX-License-Identifier: Apache-2.0
"""Time, so that tests can have their own."""

from __future__ import annotations

import datetime
import time


class Clock:
    """The machine's clock."""

    def monotonic(self) -> float:
        """Seconds, of which only differences mean anything."""
        return time.monotonic()

    def now(self) -> datetime.datetime:
        """The time of day, with its zone."""
        return datetime.datetime.now(datetime.UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Deadline:
    """A point in time that waiting must not pass."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds; never below 0."""
        return max(0.0, self._end - self._clock.monotonic())

    @property
    def passed(self) -> bool:
        return self.left <= 0

    def pause(self, seconds: float) -> bool:
        """Sleep so long, but not past the end; False where that is."""
        if self.passed:
            return False
        self._clock.sleep(min(seconds, self.left))
        return True
