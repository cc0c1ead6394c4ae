# SPDX-License-Identifier: Apache-2.0
"""How many nodes a minute: machines that start draw more current than
machines that run, and a mistake must not take a data centre at once."""

from __future__ import annotations

import collections
import threading

#: In any so many seconds, no more starts than the limit.
WINDOW = 60.0


class Pace:
    """The starts of the last minute, and the places held for starts.

    A place is held from before a node is looked at until its request is
    answered; only then is it a start. So the limit holds for the moments
    at which requests arrive, however long they take.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._starts: collections.deque[float] = collections.deque()
        self._held = 0

    def take(self, limit: int, now: float) -> float:
        """Hold a place.

        :returns: 0.0: it is held. Else how many seconds it takes at least
            until one can be free; a place that is only held may be given
            back any time.
        """
        with self._lock:
            # The very sum that is returned: another that should be equal
            # may differ in its last bit, and 0.0 would be a place.
            while self._starts and self._starts[0] + WINDOW - now <= 0:
                self._starts.popleft()
            if len(self._starts) + self._held < limit:
                self._held += 1
                return 0.0
            if self._starts and not self._held:
                return self._starts[0] + WINDOW - now
            return 1.0

    def start(self, now: float) -> None:
        """The place that is held becomes a start."""
        with self._lock:
            self._held -= 1
            self._starts.append(now)

    def give_back(self) -> None:
        """The place is not needed any more."""
        with self._lock:
            self._held -= 1
