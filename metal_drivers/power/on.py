# SPDX-License-Identifier: Apache-2.0
"""Switching a node on."""

from __future__ import annotations

from metal_drivers import exceptions
from metal_drivers.model import ComputeService, Outcome, PowerState
from metal_drivers.power import guards, ownership
from metal_drivers.power.ends import Ended, ended
from metal_drivers.power.events import Step
from metal_drivers.power.lookout import Watch
from metal_drivers.power.transition import Transition

#: nova-compute reports every 10 s (``report_interval``); a report may be as
#: late as this, in seconds.
_REPORTS = 20.0
#: What is up without a report in so many seconds is not told by reports.
_NEVER = 600.0


class PowerOn(Transition):
    """Switch the node on, wait for nova-compute, enable it if it was us
    who disabled it.

    A host that does not come back keeps our reason, so that the next run
    knows that it is ours to enable.
    """

    target = PowerState.ON
    origin = PowerState.OFF
    #: Our mark, as it was found.
    _marked: ownership.Mark | None = None
    #: Whether the node is on, and nova-compute is waited for.
    _on = False

    def run(self) -> tuple[Outcome, str]:
        seconds = self.settings.power_on_timeout
        service = self.look_at_both(seconds)
        mark = self._marked
        if self.member.node.power_state is PowerState.ON:
            return Outcome.ALREADY, self._already_on(service)
        self.check()
        if self.settings.dry_run:
            return Outcome.PLANNED, self._plan(service)
        sent = self.request(Step.POWER_ON, seconds)
        if not self.settings.wait:
            rest = (
                '; run the same command again to have nova-compute enabled'
                if mark
                else ''
            )
            if not sent:
                return Outcome.DONE, f'on{rest}'
            return Outcome.PLANNED, f'power on was asked for{rest}'
        if sent:
            self.follow()
        if service is None:
            return Outcome.DONE, 'on'
        return Outcome.DONE, self._bring_back(service)

    def look_at_both(self, seconds: float) -> ComputeService | None:
        """Look at the node and at nova-compute, once no other run can be
        at work that may switch the node off.

        :param seconds: for how long the work of others is waited for.
        """
        while True:
            node = self.look_when_free(self.deadline(seconds))
            service = self.get_service()
            mark = self._marked = self._mark(service)
            if (
                mark is None
                or node.power_state is not PowerState.ON
                or self.settings.dry_run
                or not self.settings.wait
            ):
                return service
            other = self.other(mark)
            limit = self.settings.service_up_timeout
            if not self.await_other(other, other.effective, limit):
                return service

    def standing(self) -> str:
        if not self._on:
            return super().standing()
        return (
            f'on, but cancelled before nova-compute on {self.host} was seen '
            'to be back. Run the same command again once it is'
        )

    def dwelt(self) -> float | None:
        known = super().dwelt()
        if self._marked is None:
            return known
        age = max(0.0, self._marked.age(self.clock.now()))
        return age if known is None else min(age, known)

    def _mark(self, service: ComputeService | None) -> ownership.Mark | None:
        mark = ownership.mark_of(service)
        return mark if mark and mark.names(self.member.node.id) else None

    def _already_on(self, service: ComputeService | None) -> str:
        """Finish what an earlier run may have begun."""
        mark = self._mark(service)
        if service is None or mark is None:
            return f'on{self.age}'
        wish = guards.Wish(self.member, self.target, self.settings)
        reason = guards.refusal(wish, guards.ENABLING)
        if reason:
            return f'on; nova-compute stays disabled: {reason}'
        if self.settings.dry_run:
            return 'on; would enable nova-compute'
        if not self.settings.wait:
            if not service.up:
                return 'on; nova-compute is not up yet, and stays disabled'
            if self.other(mark).effective.left:
                return (
                    'on; nova-compute stays disabled: another run may be at '
                    'work on it'
                )
        return self._bring_back(service if self._silent(service) else None)

    def _silent(self, service: ComputeService) -> bool:
        """Whether Nova says that a compute is up which has not reported
        as it should: its host may have been off since.
        """
        if not service.up or service.updated_at is None:
            return False
        silence = (self.clock.now() - service.updated_at).total_seconds()
        return _REPORTS < silence < _NEVER

    def _plan(self, service: ComputeService | None) -> str:
        if self._mark(service):
            return f'would power on, then enable nova-compute on {self.host}'
        return 'would power on'

    def _bring_back(self, before: ComputeService | None) -> str:
        """Wait for nova-compute to be back, and enable it if it is ours.

        For a while after its host went off Nova still says that it is up.
        So it has to be seen down first, or to have reported since.

        :param before: the service before the node was switched on; None
            where what Nova says of it now is believed.
        """
        if self.nova is None:
            return 'on'
        seconds = self.settings.service_up_timeout
        deadline = self.deadline(seconds)
        seen_down = before is None or not before.up
        self._on = True
        self.tell(Step.SERVICE, f'on {self.host}')
        lookout = self.process.services(self.nova)
        watch = Watch(lookout, self.host, self.clock, self.backoff())
        problem = ''
        with lookout.waiting(self.alarm):
            while True:
                self.alarm.clear()
                try:
                    service = watch.look()
                    if service is not None:
                        problem = ''
                        reported = False
                        if before and _said(service) != _said(before):
                            # Whoever changed that has moved the time, too.
                            before = service
                        elif before:
                            reported = service.updated_at != before.updated_at
                        if service.up and (seen_down or reported):
                            return f'on; {self._enable()}'
                        seen_down = seen_down or not service.up
                except exceptions.UnavailableError as exc:
                    # Nova may answer again before the deadline.
                    problem = f' ({exc.message})'
                except exceptions.MetalError as exc:
                    raise Ended(
                        Outcome.FAILED, f'on, but {ended(exc).detail}'
                    ) from exc
                if not self.pause(deadline, watch.left):
                    raise Ended(
                        Outcome.TIMED_OUT,
                        f'on, but nova-compute on {self.host} was not seen '
                        f'to be back within {seconds:g} s{problem}. Run the '
                        'same command again once it is',
                    )

    def _enable(self) -> str:
        """Enable what is up, if it is ours."""
        # Asked last: others may have disabled it as well by now.
        service = self.get_service()
        if service is None or service.enabled:
            return 'nova-compute is up'
        mark = self._mark(service)
        if mark is None:
            return (
                'nova-compute is up, and stays disabled by others: '
                f'{service.disabled_reason or "no reason was given"}'
            )
        if mark != self._marked and mark.under_way:
            raise Ended(
                Outcome.FAILED,
                f'nova-compute on {self.host} is up, and stays disabled: '
                'another run has begun to switch the host off. Wait for that',
            )
        assert self.nova is not None  # noqa: S101, there is a service
        self.nova.enable(service)
        self.tell(Step.ENABLED, f'on {self.host}')
        return 'nova-compute is up and enabled'


def _said(service: ComputeService) -> tuple[str, str | None]:
    """What people change of it."""
    return service.status, service.disabled_reason
