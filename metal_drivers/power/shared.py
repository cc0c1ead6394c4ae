# SPDX-License-Identifier: Apache-2.0
"""Work on a node on which another process may be at work."""

from __future__ import annotations

import dataclasses

from metal_drivers.model import Outcome
from metal_drivers.power import ownership
from metal_drivers.power.clock import Backoff, Deadline
from metal_drivers.power.ends import Ended
from metal_drivers.power.paced import Paced


@dataclasses.dataclass(frozen=True, slots=True)
class Other:
    """Another run."""

    #: What it has left in Nova.
    mark: ownership.Mark
    #: When it cannot be at work any more.
    deadline: Deadline
    poll: Backoff


class Shared(Paced):
    """Knows another run by its mark, and waits until it cannot be at work
    any more."""

    _other: Other | None = None

    def aftermath(self) -> float:
        """For how many seconds after a request of another run the node may
        go off, without the service telling so."""
        return 0.0

    def other_left(self, mark: ownership.Mark) -> float:
        """For how many seconds whoever made the mark may be at work."""
        return self._known(mark).deadline.left

    def await_other(self, mark: ownership.Mark, limit: float) -> float:
        """Wait for a while, where another run may be at work.

        :param limit: how many seconds the whole may take.
        :returns: how many seconds were waited; 0.0: nobody can be at work.
        :raises Ended: it would take longer.
        """
        other = self._known(mark)
        left = other.deadline.left
        if not left:
            return 0.0
        run = f'another run, which began at {mark.when:%H:%M:%S} UTC'
        if left > limit:
            raise Ended(
                Outcome.REFUSED,
                f'{run}, may be switching it off for {left:.0f} s yet; try '
                'again then',
            )
        self.give_back_place()
        self.tell_waiting(f'for {run}')
        seconds = min(left, other.poll())
        self.rest(seconds)
        return seconds

    def _known(self, mark: ownership.Mark) -> Other:
        if self._other is None or self._other.mark != mark:
            left = mark.left(self.clock.now(), self.aftermath())
            # Counted from here by a clock that nobody sets.
            self._other = Other(mark, self.deadline(left), self.backoff())
        return self._other
