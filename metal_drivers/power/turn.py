# SPDX-License-Identifier: Apache-2.0
"""One run of several that want to power a node on.

A second power on that arrives while the first is under way power cycles a
MAAS machine. So who powers on there marks it first, waits until whoever has
read the mark before must have written its own, and reads again: of all who
wrote, only the last one finds its own mark.
"""

from __future__ import annotations

from oslo_log import log

from metal_drivers import exceptions
from metal_drivers.model import ComputeService, Outcome
from metal_drivers.power import ownership
from metal_drivers.power.clock import Deadline
from metal_drivers.power.ends import Ended
from metal_drivers.power.shared import Shared

LOG = log.getLogger(__name__)

#: From when a run asks for the mark until its own is written it takes at
#: most so many seconds, or the run sends nothing. These are two requests to
#: Nova, each of a fraction of a second where Nova is well.
LONGEST_GAP = 10.0
#: How long a run waits after it has written, in seconds: longer than that gap
#: in any other run, so that whoever read before has written by then.
SETTLE = 12.0


class Turn:
    """Used once, by a power on.

    Not needed of a service that shows what is under way. Not possible where
    nova-compute is enabled, or was disabled by others: their status and
    reason are left alone.
    """

    def __init__(self, work: Shared) -> None:
        self._work = work
        #: All that we wrote; any of it may not have arrived.
        self._marks: set[ownership.Mark] = set()
        #: Until when it need not be renewed.
        self._fresh: Deadline | None = None
        #: How many seconds it took to read and write, where that is too long.
        self._slow = 0.0
        #: The reason that was there before.
        self._before: ownership.Mark | None = None

    def take(self, deadline: Deadline) -> bool:
        """See that nobody else powers the node on; asked last before that.

        :param deadline: put off by what is waited for others.
        :returns: whether that took time: what was seen of the node is stale,
            and this is to be called again.
        :raises Ended: it is the turn of others.
        """
        work = self._work
        if work.tells_end:
            return False
        if self._slow:
            # Whoever has read and sent meanwhile cannot be seen any more.
            raise Ended(
                Outcome.TIMED_OUT,
                f'Nova took {self._slow:.0f} s for two requests, so another '
                'run may be powering it on; nothing was sent. Try again when '
                'Nova is quicker',
            )
        began = work.clock.monotonic()
        service = work.get_service()
        if service is None:
            return False
        found = work.mark_on(service)
        if found is None:
            if self._marks:
                raise self._lost(service)
            return False
        if found in self._marks:
            if self._fresh and not self._fresh.passed:
                return False
        elif self._marks:
            raise Ended(
                Outcome.REFUSED,
                f'another run is {found.kind.work}; nothing was sent. Wait '
                'for that',
            )
        else:
            if found.kind is ownership.MarkKind.POWERING_ON:
                other = work.other(found)
                limit = work.settings.service_up_timeout
                rest = work.await_other(other, other.effective, limit)
                if rest:
                    deadline.extend(rest)
                    return True
            work.mind(found)
            self._before = found
        self._write(service)
        taken = work.clock.monotonic() - began
        if taken > LONGEST_GAP:
            # Nothing is sent, but the node may be on by now.
            self._slow = taken
            return True
        work.tell_waiting('for other runs that may be powering it on')
        work.rest(SETTLE)
        deadline.extend(SETTLE)
        return True

    def leave(self) -> None:
        """Put back what was there before: nothing was sent."""
        if self._before is None:
            return
        try:
            service = self._work.get_service()
            if service and self._work.mark_on(service) in self._marks:
                assert self._work.nova is not None  # noqa: S101, it was asked
                before = self._before
                self._work.nova.disable(
                    service,
                    ownership.reason(
                        self._work.member.node.id, before.when, before.kind
                    ),
                )
        except exceptions.MetalError as exc:
            # Whoever finds the mark waits for a while.
            LOG.info('%s: %s', self._work.member.label, exc.message)

    def _write(self, service: ComputeService) -> None:
        assert self._work.nova is not None  # noqa: S101, it was asked
        reason = ownership.reason(
            self._work.member.node.id,
            self._work.clock.now(),
            ownership.MarkKind.POWERING_ON,
        )
        # Counted from before it can arrive, and ours though no reply come.
        self._fresh = self._work.deadline(ownership.RENEW)
        mark = ownership.parse(reason)
        assert mark is not None  # noqa: S101, it is of our own making
        self._marks.add(mark)
        self._work.nova.disable(service, reason)

    def _lost(self, service: ComputeService) -> Ended:
        host = self._work.host
        if service.enabled:
            return Ended(
                Outcome.REFUSED,
                f'somebody enabled nova-compute on {host} meanwhile; nothing '
                'was sent. Run the same command again if it is to be powered '
                'on',
            )
        reason = service.disabled_reason
        return Ended(
            Outcome.REFUSED,
            f'someone else has disabled nova-compute on {host} meanwhile '
            f'({reason!r}); nothing was sent. Find out why, then run the '
            'same command again',
        )
