# SPDX-License-Identifier: Apache-2.0
"""Switching a node off."""

from __future__ import annotations

from oslo_log import log

from metal_drivers import exceptions
from metal_drivers.model import Capability, OffMode, Outcome, PowerState
from metal_drivers.power import ownership
from metal_drivers.power.clock import Deadline
from metal_drivers.power.events import Step
from metal_drivers.power.transition import (
    Ended,
    NotThere,
    Transition,
    ended,
    settled,
)

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
            return self._power_off(modes)
        except (Ended, exceptions.MetalError) as exc:
            raise self._give_up(exc) from exc
        except BaseException:
            left = self._undo()
            if left:
                LOG.warning('%s: %s', self.member.label, left)
            raise

    def may_send(self, deadline: Deadline) -> bool:
        if not super().may_send(deadline):
            return False
        self._disable()
        self._require_no_servers()
        return True

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

    def _disable(self) -> None:
        """Keep servers off the host, and mark that it was us."""
        service = self.get_service()
        if service is None or not service.enabled:
            self._held |= ownership.ours(service)
            return
        assert self.nova is not None  # noqa: S101, there is a service
        reason = ownership.reason(self.member.node.id, self.clock.now())
        self._held = True
        self.nova.disable(service, reason)
        self.tell(Step.DISABLED, f'on {self.host}')

    def _power_off(self, modes: list[OffMode]) -> tuple[Outcome, str]:
        for mode in modes[:-1]:
            try:
                return self._try(mode)
            except exceptions.UnsupportedError as exc:
                self.tell(Step.WAITING, exc.message)
            except NotThere as end:
                self.tell(Step.WAITING, end.detail)
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
            if service is None or not ownership.ours(service):
                return ''
            if not stays_on:
                return (
                    f'nova-compute on {self.host} stays disabled, since the '
                    'node may still go off; run the same command again'
                )
            assert self.nova is not None  # noqa: S101, there is a service
            self.nova.enable(service)
            self.tell(Step.GIVEN_BACK, f'nova-compute on {self.host}')
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
