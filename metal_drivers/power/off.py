# SPDX-License-Identifier: Apache-2.0
"""Switching a node off."""

from __future__ import annotations

from collections.abc import Collection

from oslo_log import log

from metal_drivers import exceptions
from metal_drivers.model import (
    Capability,
    ComputeService,
    OffMode,
    Outcome,
    PowerState,
)
from metal_drivers.power import ownership
from metal_drivers.power.clock import Deadline
from metal_drivers.power.ends import Ended, NotThere, ended
from metal_drivers.power.events import Step
from metal_drivers.power.ownership import RENEW
from metal_drivers.power.transition import Transition, settled

LOG = log.getLogger(__name__)

_STEPS = {OffMode.SOFT: Step.SOFT_OFF, OffMode.HARD: Step.HARD_OFF}


class PowerOff(Transition):
    """Disable nova-compute, see that the host is empty, switch it off.

    What fails puts nova-compute back as it was, unless the node may still
    go off: servers must not land on such a host.
    """

    target = PowerState.OFF
    origin = PowerState.ON
    #: Whether nova-compute may be disabled by us, in this run or before.
    _held = False
    #: Whether no server can land any more that was being scheduled when
    #: nova-compute was disabled.
    _scheduled = False

    def run(self) -> tuple[Outcome, str]:
        node = self.look_when_free(
            self.deadline(self.settings.power_off_timeout)
        )
        if node.power_state is PowerState.OFF:
            return Outcome.ALREADY, 'off'
        self.check()
        modes = self._modes()
        if self.settings.dry_run:
            self._require_no_servers()
            return Outcome.PLANNED, self._plan(modes)
        try:
            # Before anything is changed, and again once it is.
            self._require_no_servers()
            outcome, detail = self._power_off(modes)
        except (Ended, exceptions.MetalError) as exc:
            raise self._give_up(exc) from exc
        except BaseException:
            left = self._undo()
            if left:
                LOG.warning('%s: %s', self.member.label, left)
            raise
        if outcome is Outcome.DONE:
            self._mark_done()
        return outcome, detail

    def may_send(self, deadline: Deadline) -> bool:
        while super().may_send(deadline):
            if self._disable(deadline) or self._await_scheduler(deadline):
                # What was seen of the node is stale by now.
                continue
            self._require_no_servers()
            return True
        return False

    def _modes(self) -> list[OffMode]:
        """What to try, in order."""
        can_soft = (
            Capability.SOFT_OFF in self.driver.capabilities
            and self.member.node.soft_off
        )
        modes = [
            mode
            for mode in self.settings.off_modes
            if can_soft or mode is OffMode.HARD
        ]
        if not modes:
            raise Ended(
                Outcome.REFUSED,
                'it cannot be asked to shut down, and power_off_mode is '
                '"soft". Allow a hard power off',
            )
        return modes

    def _plan(self, modes: list[OffMode]) -> str:
        steps = [_STEPS[mode].value for mode in modes]
        service = self.get_service()
        if service is not None and service.enabled:
            steps.insert(0, f'disable nova-compute on {self.host}')
        return 'would ' + ', then '.join(steps)

    def _require_no_servers(self) -> None:
        if self.member.host is None:
            return
        if self.nova is None:
            raise Ended(
                Outcome.REFUSED,
                f'whether servers are on {self.host} cannot be asked: Nova '
                'is not configured. Configure [nova]',
            )
        servers = self.nova.count_servers(self.host)
        if servers:
            raise Ended(
                Outcome.REFUSED,
                f'{servers} server{"s are" if servers > 1 else " is"} on '
                f'{self.host}. Move or delete '
                f'{"them" if servers > 1 else "it"} first',
            )

    def _disable(self, deadline: Deadline) -> bool:
        """Keep servers off the host, and mark that it was us.

        A mark of ours that is not new any more is renewed, so that whoever
        finds it can tell by its time whether somebody is at work.

        :returns: whether another run may have been at work, and was
            waited for.
        """
        service = self.get_service()
        if service is None:
            return False
        if service.enabled:
            if self._held:
                raise Ended(
                    Outcome.REFUSED,
                    f'somebody enabled nova-compute on {self.host} '
                    'meanwhile. Run the same command again if it is to be '
                    'switched off all the same',
                )
        else:
            mark = ownership.mark_of(service)
            if mark is None or not mark.names(self.member.node.id):
                return False
            limit = self.settings.power_off_timeout
            if not self._held and (rest := self.await_other(mark, limit)):
                deadline.extend(rest)
                return True
            if self._held and 0 <= mark.age(self.clock.now()) < RENEW:
                return False
        self._held = True
        self._mark(service, under_way=True)
        self.tell(Step.DISABLED, f'on {self.host}')
        return False

    def _mark(self, service: ComputeService, *, under_way: bool) -> None:
        assert self.nova is not None  # noqa: S101, there is a service
        reason = ownership.reason(
            self.member.node.id, self.clock.now(), under_way=under_way
        )
        self.nova.disable(service, reason)

    def _mark_done(self) -> None:
        """Tell whoever finds the mark that nobody is at work any more."""
        try:
            service = self.get_service()
            if self._held and ownership.ours(service, self.member.node.id):
                assert service is not None  # noqa: S101, it is ours
                self._mark(service, under_way=False)
        except exceptions.MetalError as exc:
            # The host is off. Whoever finds the mark waits for a while.
            LOG.info('%s: %s', self.member.label, exc.message)

    def _await_scheduler(self, deadline: Deadline) -> bool:
        """Wait for servers that the scheduler may have sent here before
        nova-compute was disabled. Until they are placed, Nova counts them
        on no host.

        :returns: whether that took any time.
        """
        if (
            self._scheduled
            or self.nova is None
            or self.member.host is None
            or not self.settings.manage_compute_service
        ):
            return False
        unplaced = self.nova.list_unplaced()
        limit, poll = self.deadline(self.settings.scheduling_timeout), None
        while unplaced:
            if poll is None:
                poll = self.backoff()
                self.give_back_place()
                self.tell(Step.SCHEDULING, f'of {len(unplaced)} servers')
            if not self.pause(limit, poll()):
                raise Ended(
                    Outcome.REFUSED,
                    f'still being scheduled after {limit.seconds:g} s, and '
                    f'possibly to {self.host}: {_some(unplaced)}. Try again '
                    'when such servers have got a host or are deleted',
                )
            # Those that came later cannot land here.
            unplaced &= self.nova.list_unplaced()
        self._scheduled = True
        deadline.extend(limit.seconds - limit.left)
        return poll is not None

    def _power_off(self, modes: list[OffMode]) -> tuple[Outcome, str]:
        for mode in modes[:-1]:
            try:
                return self._try(mode)
            except exceptions.UnsupportedError as exc:
                self.tell_waiting(exc.message)
            except NotThere as end:
                self.tell_waiting(end.detail)
        return self._try(modes[-1])

    def _try(self, mode: OffMode) -> tuple[Outcome, str]:
        step = _STEPS[mode]
        seconds = self.settings.power_off_timeout
        limit = None
        if mode is OffMode.SOFT:
            seconds = self.settings.soft_off_timeout
            if Capability.SOFT_OFF_TIMEOUT in self.driver.capabilities:
                limit = seconds
        if not self.request(step, seconds, mode, limit):
            return Outcome.DONE, 'off'
        if not self.settings.wait:
            return Outcome.PLANNED, f'{step.value} was asked for'
        self.follow()
        return Outcome.DONE, f'off, by {step.value}'

    def _give_up(self, exc: Ended | exceptions.MetalError) -> Ended:
        end, left = ended(exc), self._undo()
        outcome, detail = end.outcome, end.detail
        if outcome is Outcome.REFUSED and (left or self.sent):
            # To be refused is to have changed nothing.
            outcome = Outcome.FAILED
        if left:
            detail = f'{detail.rstrip(".")}. {left}'
        return Ended(outcome, detail)

    def _undo(self) -> str:
        """Give the host back; what could not be, for the message."""
        stays_on = self._stays_on()
        try:
            # Asked last: others may have disabled it as well by now.
            service = self.get_service()
            if not ownership.ours(service, self.member.node.id):
                return ''
            assert service is not None  # noqa: S101, it is ours
            mark = ownership.mark_of(service)
            if not self._held and mark and self.other_left(mark):
                return ''
            if not stays_on:
                return (
                    f'nova-compute on {self.host} stays disabled, since the '
                    'node may still go off; run the same command again'
                )
            assert self.nova is not None  # noqa: S101, there is a service
            self.nova.enable(service)
            self.tell(Step.UNDONE, f'nova-compute on {self.host} is enabled')
        except exceptions.MetalError as failure:
            if not self._held:
                return ''
            return (
                f'nova-compute on {self.host} may be left disabled: '
                f'{failure.message}; `metal-drivers node power on '
                f'{self.host}` enables it again'
            )
        return ''

    def _stays_on(self) -> bool:
        """Whether no request of ours can switch the node off any more.

        A service that does not tell the end of a change, or that may not
        have got the request yet, is believed once the deadline is over.
        """
        if self.sent is None:
            return True
        if not (
            self.sent.deadline.passed or (self.tells_end and self.sent.taken)
        ):
            return False
        try:
            node = self.look()
        except exceptions.MetalError:
            return False
        return settled(node) and node.power_state is PowerState.ON


def _some(servers: Collection[str]) -> str:
    """Their ids, or those of the first and how many more there are."""
    named, more = sorted(servers)[:3], len(servers) - 3
    return ', '.join(named) + (f' and {more} more' if more > 0 else '')
