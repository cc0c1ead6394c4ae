# SPDX-License-Identifier: Apache-2.0
"""Work on one node that keeps the pace of the process."""

from __future__ import annotations

from metal_drivers.model import PowerState
from metal_drivers.power.clock import Deadline
from metal_drivers.power.events import Step
from metal_drivers.power.work import Work


class Paced(Work):
    """Holds a place in the pace for its first request that arrives."""

    #: What the node is to become.
    target: PowerState
    _held_place = False

    def take_place(self, deadline: Deadline) -> None:
        """Hold a place, however long that takes; the deadline waits.

        :raises Cancelled: waiting was ended from outside.
        """
        if self._held_place or self.settings.dry_run:
            return
        pace = self.process.paces[self.target]
        limit = self.settings.rate(self.target)
        began, told = self.clock.monotonic(), False
        while wait := pace.take(limit, self.clock.monotonic()):
            if not told:
                self.tell(Step.PACED, f'{limit} a minute')
                told = True
            self.rest(wait)
        self._held_place = True
        deadline.extend(self.clock.monotonic() - began)

    def start_place(self, now: float) -> None:
        """The request may have arrived."""
        if self._held_place:
            self._held_place = False
            self.process.paces[self.target].start(now)

    def give_back_place(self) -> None:
        """Nothing was sent, or not yet."""
        if self._held_place:
            self._held_place = False
            self.process.paces[self.target].give_back()
