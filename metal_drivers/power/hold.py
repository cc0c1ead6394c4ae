# SPDX-License-Identifier: Apache-2.0
"""nova-compute of one host, kept disabled by one run."""

from __future__ import annotations

from oslo_log import log

from metal_drivers import exceptions
from metal_drivers.model import ComputeService, Outcome
from metal_drivers.power import ownership
from metal_drivers.power.clock import Deadline
from metal_drivers.power.ends import Ended
from metal_drivers.power.events import Step
from metal_drivers.power.shared import Shared

LOG = log.getLogger(__name__)


class Hold:
    """Used once, by a transition.

    What others had disabled before is left as it is, and need not be held.
    What this run has disabled bears its own mark; where that is gone, the
    host is somebody else's, and nothing is done any more.
    """

    def __init__(self, work: Shared) -> None:
        self._work = work
        #: All that we wrote; any of it may not have arrived.
        self._marks: set[ownership.Mark] = set()
        #: What the marks say until the host is seen off.
        self.kind = ownership.MarkKind.POWERING_OFF
        #: Until when it need not be renewed.
        self._fresh: Deadline | None = None
        #: When nothing that a run before us has asked for can switch the
        #: node off any more.
        self._inherited: Deadline | None = None
        #: Whether a run before us may have asked the system to shut down.
        self._shutting_down = False
        #: Whether the message has it that others took the host.
        self._told_replaced = False

    def take(self, deadline: Deadline, *, sent: bool) -> bool:
        """Keep servers off the host, and mark that it was us.

        A mark that is not new any more is renewed, so that whoever finds
        it can tell by its time whether somebody is at work.

        :param sent: whether a request for power may have arrived.
        :returns: whether another run may be at work, and was waited for for
            a while: this is to be called again.
        :raises Ended: the host is somebody else's.
        """
        service = self._work.get_service()
        if service is None:
            return False
        if service.enabled:
            if self._marks or sent:
                raise self._enabled_by_others()
        else:
            found = self._work.mark_on(service)
            if found is None:
                if self._marks:
                    raise self._replaced(service)
                return False
            if not self._marks:
                other = self._work.other(found)
                rest = self._work.await_other(
                    other,
                    other.at_work,
                    self._work.settings.power_off_timeout,
                )
                if rest:
                    deadline.extend(rest)
                    return True
                self._inherited = other.effective
                self._shutting_down = self._work.shutting_down(found)
            elif found not in self._marks:
                raise self._taken_over()
            elif not self._stale:
                return False
        self._write(service, self.kind)
        self._work.tell(Step.DISABLED, f'on {self._work.host}')
        return False

    def keeps(self) -> bool:
        """Whether the host may be switched off; asked last before that.

        :returns: False: the mark has to be renewed first.
        :raises Ended: the host is somebody else's.
        """
        service = self._work.get_service()
        if service is None:
            return True
        if service.enabled:
            raise self._enabled_by_others()
        found = self._work.mark_on(service)
        if found is None:
            if self._marks:
                raise self._replaced(service)
            return True
        if found not in self._marks:
            raise self._taken_over()
        return not self._stale

    def done(self) -> str:
        """Tell whoever finds the mark that nobody is at work any more.

        :returns: that it is not there any more, for the message.
        """
        try:
            service = self._work.get_service()
            if service is None:
                return ''
            if self._work.mark_on(service) in self._marks:
                self._write(service, ownership.MarkKind.POWERED_OFF)
                return ''
            return self._lost(service)
        except exceptions.MetalError as exc:
            # The host is off. Whoever finds the mark waits for a while.
            LOG.info('%s: %s', self._work.member.label, exc.message)
            return ''

    def give_back(self, stays_on: bool) -> str:
        """Enable what we, or a run before us, had disabled.

        :param stays_on: whether nothing that we have asked for can switch
            the node off any more.
        :returns: what could not be, for a message.
        """
        host = self._work.host
        try:
            # Asked last: others may have disabled it as well by now.
            service = self._work.get_service()
            if service is None:
                return ''
            found = self._work.mark_on(service)
            if found is None:
                return '' if self._told_replaced else self._lost(service)
            if not self._marks:
                if self._work.other(found).effective.left:
                    return ''
                self._shutting_down = self._work.shutting_down(found)
            elif found not in self._marks:
                # Another run has it now.
                return ''
            elif self._inherited and not self._inherited.passed:
                stays_on = False
            if not stays_on or self._shutting_down:
                return (
                    f'nova-compute on {host} stays disabled, since the node '
                    'may still go off; run the same command again, or '
                    f'`metal-drivers node recover {host}`'
                )
            assert self._work.nova is not None  # noqa: S101, it was asked
            self._work.nova.enable(service)
            self._work.tell(Step.UNDONE, f'nova-compute on {host} is enabled')
        except exceptions.MetalError as failure:
            if not self._marks:
                return ''
            return (
                f'nova-compute on {host} may be left disabled: '
                f'{failure.message}; `metal-drivers node recover {host}` '
                'enables it again'
            )
        return ''

    @property
    def _stale(self) -> bool:
        return self._fresh is None or self._fresh.passed

    def _lost(self, service: ComputeService) -> str:
        """What it means that our mark was replaced, where it was."""
        if not self._marks or ownership.mark_of(service):
            return ''
        if service.enabled:
            return (
                f'Somebody enabled nova-compute on {self._work.host} meanwhile'
            )
        return (
            f'Someone else has disabled nova-compute on {self._work.host} '
            f'meanwhile ({_reason(service)}): metal-drivers will not enable '
            'it, so the host will not come back by itself'
        )

    def _write(
        self, service: ComputeService, kind: ownership.MarkKind
    ) -> None:
        assert self._work.nova is not None  # noqa: S101, it was asked
        reason = ownership.reason(
            self._work.member.node.id,
            self._work.clock.now(),
            kind,
        )
        # Counted from before it can arrive, and ours though no reply come.
        self._fresh = self._work.deadline(ownership.RENEW)
        mark = ownership.parse(reason)
        assert mark is not None  # noqa: S101, it is of our own making
        self._marks.add(mark)
        self._work.nova.disable(service, reason)

    def _enabled_by_others(self) -> Ended:
        return Ended(
            Outcome.REFUSED,
            f'somebody enabled nova-compute on {self._work.host} meanwhile. '
            'Run the same command again if it is to be switched off all the '
            'same',
        )

    def _replaced(self, service: ComputeService) -> Ended:
        self._told_replaced = True
        return Ended(
            Outcome.REFUSED,
            f'{self._lost(service)}. Find out why, then run the same command '
            'again',
        )

    def _taken_over(self) -> Ended:
        return Ended(
            Outcome.REFUSED,
            f'another run has begun to switch {self._work.host} off. Wait '
            'for that',
        )


def _reason(service: ComputeService) -> str:
    if not service.disabled_reason:
        return 'no reason was given'
    return repr(service.disabled_reason)
