# SPDX-License-Identifier: Apache-2.0
"""How those who wait are told to stop."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


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
