# SPDX-License-Identifier: Apache-2.0
"""Time that a test can move on, and a limit to what is done at once."""

import collections
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Waits for an event or for seconds; False where all is over.
Wait = Callable[[threading.Event, float | None], bool]


class Clock:
    """Monotonic seconds that may be moved ahead.

    :param wait: how to wait, as :meth:`.server.Server.wait`
    """

    def __init__(self, wait: Wait) -> None:
        self._wait = wait
        self._ahead = 0.0
        self._lock = threading.Lock()
        self._waiting: set[threading.Event] = set()

    def now(self) -> float:
        return time.monotonic() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass at once, for those who wait too."""
        with self._lock:
            self._ahead += seconds
        self.wake()

    def wake(self) -> None:
        """Let those who wait see whether their time has changed."""
        with self._lock:
            for event in self._waiting:
                event.set()

    def wait(self, until: Callable[[], float]) -> None:
        """Return at the time that ``until`` gives, which may change."""
        event = threading.Event()
        with self._lock:
            self._waiting.add(event)
        try:
            while True:
                # Before the look at the time, or a change would be lost.
                event.clear()
                left = until() - self.now()
                timeout = None if left == math.inf else left
                if left <= 0 or not self._wait(event, timeout):
                    return
        finally:
            with self._lock:
                self._waiting.discard(event)


class Workers:
    """Serves so many requests at once; the others wait in a queue.

    :ivar limit: None for no limit
    :ivar most: how many were there at once, at most, those that waited
        for a worker included
    """

    def __init__(self, wait: Wait, limit: int | None) -> None:
        self._wait = wait
        self._lock = threading.Lock()
        self._queue: collections.deque[threading.Event] = collections.deque()
        self._busy = 0
        self.limit = limit
        self.most = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a worker."""
        with self._lock:
            event = threading.Event()
            if self.limit is None or self._busy < self.limit:
                self._busy += 1
                event.set()
            else:
                self._queue.append(event)
            self.most = max(self.most, self._busy + len(self._queue))
        if not event.is_set():
            self._wait(event, None)
        try:
            yield
        finally:
            with self._lock:
                if self._queue:
                    self._queue.popleft().set()
                else:
                    self._busy -= 1
