# SPDX-License-Identifier: Apache-2.0
"""Time, so that tests can have their own; how long to wait in it, and how
waiting is ended."""

from __future__ import annotations

import contextlib
import datetime
import threading
import time
from collections.abc import Callable, Iterator


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


class Backoff:
    """How long to wait before each look: a fifth of what was waited so
    far, so that what is quick is seen quickly, and nothing is seen later
    than by a fifth of the time it took; at most the poll interval.

    :param longest: that interval, in seconds; its fifth is the least.
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


class Cancel:
    """Set once, for good; wakes everybody who waits at that time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._alarms: set[threading.Event] = set()
        self.called = False

    def call(self) -> None:
        with self._lock:
            self.called = True
            for alarm in self._alarms:
                alarm.set()

    @contextlib.contextmanager
    def waking(self, alarm: threading.Event) -> Iterator[None]:
        """Within this the alarm is set when it is called."""
        with self._lock:
            self._alarms.add(alarm)
        try:
            yield
        finally:
            with self._lock:
                self._alarms.discard(alarm)
