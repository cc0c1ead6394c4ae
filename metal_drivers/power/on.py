# SPDX-License-Identifier: Apache-2.0
"""Switching a node on."""

from __future__ import annotations

from metal_drivers import exceptions
from metal_drivers.fleet import Member
from metal_drivers.model import ComputeService, Outcome, PowerState
from metal_drivers.power import guards, ownership
from metal_drivers.power.clock import Deadline
from metal_drivers.power.ends import Ended, ended
from metal_drivers.power.events import Step
from metal_drivers.power.lookout import Watch
from metal_drivers.power.reports import Reports
from metal_drivers.power.transition import Transition
from metal_drivers.power.turn import Turn
from metal_drivers.power.work import Tools

#: What was seen of a node is so many seconds old at most when a request is
#: sent; what comes between takes a fraction of one where Nova is well.
_LONGEST_LOOK = 5.0


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

    def __init__(self, tools: Tools, member: Member) -> None:
        super().__init__(tools, member)
        self._turn = Turn(self)
        #: How often to look at what an earlier power on does.
        self._earlier = self.backoff()

    def run(self) -> tuple[Outcome, str]:
        seconds = self.settings.power_on_timeout
        service = self.look_at_both(seconds)
        mark = self._marked
        if self.member.node.power_state is PowerState.ON:
            return Outcome.ALREADY, self._already_on(service)
        self.check()
        if self.settings.dry_run:
            return Outcome.PLANNED, self._plan(service)
        try:
            sent = self.request(Step.POWER_ON, seconds)
        except BaseException:
            if self.sent is None:
                self._turn.leave()
            raise
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
        return Outcome.DONE, self._bring_back(down=not service.up)

    def may_send(self, deadline: Deadline) -> bool:
        while super().may_send(deadline):
            looked = self.clock.monotonic()
            if self._await_ours(deadline) or self._turn.take(deadline):
                # What was seen of the node is stale by now.
                continue
            if self.clock.monotonic() - looked <= _LONGEST_LOOK:
                return True
            if deadline.passed:
                raise Ended(
                    Outcome.TIMED_OUT,
                    f'the questions that come before took {deadline.seconds:g}'
                    ' s; nothing was sent. Try again when Nova is quicker',
                )
        return False

    def _await_ours(self, deadline: Deadline) -> bool:
        """Wait for a while, where an earlier power on of this process may
        still be acted on: a second one would power cycle the node.

        :returns: whether that took any time.
        """
        when = self.process.powered_on(self.member.node.id)
        if when is None or self.tells_end:
            return False
        after = self.clock.monotonic() - when
        left = self.settings.aftermath_on - after
        if left <= 0:
            return False
        earlier = f'the power on that was sent {after:.0f} s ago'
        if left > self.settings.service_up_timeout:
            raise Ended(
                Outcome.REFUSED,
                f'{earlier} may still have its effect for {left:.0f} s; try '
                'again then',
            )
        self.give_back_place()
        self.tell_waiting('for a power on that was sent before')
        seconds = min(left, self._earlier())
        self.rest(seconds)
        deadline.extend(seconds)
        return True

    def look_at_both(self, seconds: float) -> ComputeService | None:
        """Look at the node and at nova-compute, once no other run can be
        at work that may switch the node off.

        :param seconds: for how long the work of others is waited for.
        """
        while True:
            node = self.look_when_free(self.deadline(seconds))
            service = self.get_service()
            mark = self._marked = self.mark_on(service)
            if mark is not None and node.power_state is not PowerState.ON:
                self.mind(mark)
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

    def _already_on(self, service: ComputeService | None) -> str:
        """Finish what an earlier run may have begun."""
        mark = self.mark_on(service)
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
            return (
                'on; nova-compute stays disabled: Nova calls it up, which '
                'may be of the time before. Run the same command again '
                'without --no-wait'
            )
        return self._bring_back()

    def _plan(self, service: ComputeService | None) -> str:
        if self.mark_on(service):
            return f'would power on, then enable nova-compute on {self.host}'
        return 'would power on'

    def _bring_back(self, *, down: bool = False) -> str:
        """Wait for nova-compute to be back, and enable it if it is ours.

        :param down: whether it was down while the node was off.
        """
        if self.nova is None:
            return 'on'
        seconds = self.settings.service_up_timeout
        deadline = self.deadline(seconds)
        reports = Reports(self.clock, down)
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
                        back = reports.back(service)
                        if back and self.rival and not self.rival.passed:
                            problem = '; another run may be powering it off'
                        elif back:
                            return f'on; {self._enable()}'
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
                        'same command again once it is'
                        f'{self._may_shut_down(self._marked)}',
                    )

    def _enable(self) -> str:
        """Enable what is up, if it is ours."""
        # Asked last: others may have disabled it as well by now.
        service = self.get_service()
        if service is None or service.enabled:
            return 'nova-compute is up'
        mark = self.mark_on(service)
        if mark is None:
            return (
                'nova-compute is up, and stays disabled by others: '
                f'{service.disabled_reason or "no reason was given"}'
            )
        on = mark.kind is ownership.MarkKind.POWERING_ON
        if mark != self._marked and mark.under_way and not on:
            raise Ended(
                Outcome.FAILED,
                f'nova-compute on {self.host} is up, and stays disabled: '
                'another run has begun to switch the host off. Wait for that',
            )
        assert self.nova is not None  # noqa: S101, there is a service
        self.nova.enable(service)
        self.tell(Step.ENABLED, f'on {self.host}')
        return f'nova-compute is up and enabled{self._may_shut_down(mark)}'

    def _may_shut_down(self, mark: ownership.Mark | None) -> str:
        """What a mark means for a node that is on, for a message."""
        if mark is None or not self.shutting_down(mark):
            return ''
        return (
            f'. A soft power off was sent at {mark.when:%H:%M:%S} UTC or '
            'later, and was not followed in time: if the system still shuts '
            'down, the host goes off by itself'
        )
