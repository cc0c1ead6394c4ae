# SPDX-License-Identifier: Apache-2.0
"""Time, so that tests can have their own, and how to wait in it."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable


class Clock:
    """The machine's clock."""

    def monotonic(self) -> float:
        """Seconds, of which only differences mean anything."""
        return time.monotonic()

    def now(self) -> datetime.datetime:
        """The time of day, with its zone."""
        return datetime.datetime.now(datetime.UTC)

    def wait(self, alarm: threading.Event, seconds: float) -> None:
        """Sleep so long, or until the alarm is set."""
        alarm.wait(seconds)


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

    def extend(self, seconds: float) -> None:
        """Put it off: so long was spent on waiting for ourselves."""
        self._end += seconds

    def pause(self, seconds: float, alarm: threading.Event) -> bool:
        """Sleep so long, but not past the end; False where that is."""
        if self.passed:
            return False
        self._clock.wait(alarm, min(seconds, self.left))
        return True


class Backoff:
    """How long to wait before each look: a fifth of what was waited so
    far, so that what is quick is seen quickly, and nothing is seen later
    than by a fifth of the time it took; at most the service's own pace.

    :param longest: that pace, in seconds; its fifth is the least.
    :param chance: gives numbers from 0 to 1. Each wait is up to a tenth
        shorter or longer, so that those who began together do not ask
        together for ever.
    """

    def __init__(self, longest: float, chance: Callable[[], float]) -> None:
        self._longest = longest
        self._waited = 0.0
        self._chance = chance

    def __call__(self) -> float:
        """Seconds."""
        seconds = min(max(self._longest, self._waited) / 5, self._longest)
        seconds *= 0.9 + 0.2 * self._chance()
        self._waited += seconds
        return seconds
