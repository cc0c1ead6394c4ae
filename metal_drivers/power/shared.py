# SPDX-License-Identifier: Apache-2.0
"""Work on a node on which another process may be at work."""

from __future__ import annotations

import dataclasses

from metal_drivers.model import Capability, ComputeService, Outcome
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
    at_work: Deadline
    #: When nothing that it asked for can switch the node any more.
    effective: Deadline
    poll: Backoff


class Shared(Paced):
    """Knows another run by its mark, and waits until it cannot be at work
    any more."""

    _other: Other | None = None
    #: Until when a run that was found may send a power off; None: there was
    #: none.
    rival: Deadline | None = None

    @property
    def tells_end(self) -> bool:
        return Capability.TELLS_END in self.driver.capabilities

    def other(self, mark: ownership.Mark) -> Other:
        """The run that made the mark."""
        if self._other is None or self._other.mark != mark:
            now = self.clock.now()
            # A service that tells when changes end shows what is under way;
            # of another only the time-outs are known.
            after = 0.0
            if not self.tells_end:
                on = mark.kind is ownership.MarkKind.POWERING_ON
                after = (
                    self.settings.aftermath_on
                    if on
                    else self.settings.aftermath
                )
            # Counted from here by a clock that nobody sets.
            self._other = Other(
                mark,
                self.deadline(mark.left(now)),
                self.deadline(mark.left(now, after)),
                self.backoff(),
            )
        return self._other

    def mark_on(self, service: ComputeService | None) -> ownership.Mark | None:
        """Our mark for this very node, where there is one."""
        mark = ownership.mark_of(service)
        return mark if mark and mark.names(self.member.node.id) else None

    def shutting_down(self, mark: ownership.Mark) -> bool:
        """Whether the system may be shutting down, however old the mark."""
        return (
            not self.tells_end
            and mark.kind is ownership.MarkKind.SHUTTING_DOWN
        )

    def mind(self, mark: ownership.Mark) -> None:
        """Remember that the run that made the mark may be at work: it has
        looked at its mark, perhaps, and its request is on the way."""
        on = mark.kind is ownership.MarkKind.POWERING_ON
        if mark.under_way and not on:
            self.rival = self.other(mark).at_work

    def await_other(
        self, other: Other, deadline: Deadline, limit: float
    ) -> float:
        """Wait for a while, where another run may be at work.

        :param deadline: one of the other's.
        :param limit: how many seconds the whole may take.
        :returns: how many seconds were waited; 0.0: it has passed.
        :raises Ended: it would take longer.
        """
        left = deadline.left
        if not left:
            return 0.0
        run = f'another run, which began at {other.mark.when:%H:%M:%S} UTC'
        if left > limit:
            raise Ended(
                Outcome.REFUSED,
                f'{run}, may be {other.mark.kind.work} for {left:.0f} s yet; '
                'try again then',
            )
        self.give_back_place()
        self.tell_waiting(f'for {run}')
        seconds = min(left, other.poll())
        self.rest(seconds)
        return seconds
